// SPDX-License-Identifier: MPL-2.0
// The host's metrics of tables; rows of ../metrics-table.ts.
import type { Counter, Gauge, Histogram } from 'prom-client';
import type { Make } from '../metrics.js';
import type { TablesHealth } from './health.js';
import type { BridgeStatus } from './native.js';
import type { TablesObserver } from './service.js';

export class TablesMetrics implements TablesObserver {
  readonly #generation: Gauge;
  readonly #age: Gauge;
  readonly #pending: Gauge;
  readonly #bytes: Gauge;
  readonly #seconds: Histogram;
  readonly #errors: Counter;
  readonly #bridges: Gauge;

  constructor(make: Make) {
    this.#generation = make('nnoe_tables_generation');
    this.#age = make('nnoe_tables_age_seconds');
    this.#pending = make('nnoe_tables_pending_seconds');
    this.#bytes = make('nnoe_tables_bytes');
    this.#seconds = make('nnoe_tables_publish_seconds');
    this.#errors = make('nnoe_tables_publish_errors_total');
    this.#bridges = make('nnoe_tables_bridges');
  }

  published(seconds: number): void {
    this.#seconds.observe(seconds);
  }

  failed(code: string): void {
    this.#errors.inc({ code });
  }

  refresh({ generation, createdUs, waitedSeconds, sections, bridges }: TablesHealth): void {
    this.#generation.set(generation);
    // Clocks may have been set back; none was written: 0 would not be true.
    if (createdUs === 0) this.#age.remove();
    else this.#age.set(Math.max(0, (Date.now() - createdUs / 1000) / 1000));
    this.#pending.set(waitedSeconds);
    this.#bytes.reset();
    for (const [section, bytes] of Object.entries(sections)) this.#bytes.set({ section }, bytes);
    const states = bridges.map((bridge) => stateOf(bridge, generation));
    for (const state of ['current', 'behind', 'refusing', 'none'])
      this.#bridges.set({ state }, states.filter((each) => each === state).length);
  }
}

function stateOf({ generation, refuses }: BridgeStatus, newest: number): string {
  if (refuses) return 'refusing';
  if (generation === 0) return 'none';
  return generation === newest ? 'current' : 'behind';
}
