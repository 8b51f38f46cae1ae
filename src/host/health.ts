// SPDX-License-Identifier: MPL-2.0
// How everything is, in one object; and the log of its changes, one line each.
import { type Logger, say } from './log.js';
import type { StoreHealth } from './store/store.js';
import type { SourceHealth } from './streams/source.js';
import type { PluginHealth } from './supervisor/runner.js';
import type { TablesHealth } from './tables/health.js';

export type Overall = 'ok' | 'degraded' | 'starting' | 'failed';

export interface HealthReport {
  state: Overall;
  node: string;
  version: string;
  uptimeSeconds: number;
  store: StoreHealth & { name: string };
  sources: Record<string, SourceHealth>;
  plugins: Record<string, PluginHealth>;
  /** Absent where no plugin publishes. */
  tables?: TablesHealth;
  control: ControlHealth;
}

/** The control socket: whether `nnoe status` and the like can reach the host. */
export interface ControlHealth {
  state: 'ok' | 'starting' | 'failed';
  code?: string;
  reason: string;
  /** Empty: none is wanted. */
  socket: string;
}

const order: Overall[] = ['ok', 'degraded', 'starting', 'failed'];

/** How the store counts: stale, plugins do their work on what was last known and only their writes wait. */
const storeState = {
  starting: 'starting',
  ok: 'ok',
  stale: 'degraded',
  degraded: 'degraded',
  down: 'failed',
} as const;

/**
 * The worst of what the parts say; a store that is down fails the whole, a stopped plugin does not count, and
 * without its control socket the host is no worse than degraded: leases do not pass through it.
 */
export function overall(
  report: Pick<HealthReport, 'store' | 'sources' | 'plugins' | 'tables' | 'control'>,
): Overall {
  const states: Overall[] = [
    storeState[report.store.state],
    report.control.state === 'ok' ? 'ok' : 'degraded',
    // The generation of before stays in force, whatever keeps the next from being made.
    report.tables?.state ?? 'ok',
    ...Object.values(report.sources).map((source) => source.state),
    ...Object.values(report.plugins).map(({ state }) => (state === 'stopped' ? 'starting' : state)),
  ];
  return states.reduce((worst, state) => (order.indexOf(state) > order.indexOf(worst) ? state : worst), 'ok');
}

/** Logs a part's state when it is not what it was at the last look; a reason that only counts on is no change. */
export class HealthLog {
  readonly #last = new Map<string, string>();
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  look(report: HealthReport): void {
    this.#part('store', report.store);
    this.#part('control socket', report.control);
    if (report.tables !== undefined) this.#part('tables', report.tables);
    for (const [name, source] of Object.entries(report.sources)) this.#part(`journal ${name}`, source);
    for (const [name, plugin] of Object.entries(report.plugins)) this.#part(`plugin ${name}`, plugin);
  }

  #part(what: string, { state, code, reason }: { state: string; code?: string; reason: string }): void {
    const now = `${state} ${code ?? ''}`;
    const before = this.#last.get(what);
    this.#last.set(what, now);
    if (before === now || state === 'stopped') return;
    const details = { what, state, reason: reason || 'well', ...(code === undefined ? {} : { why: code }) };
    say(this.#log, state === 'ok' || state === 'starting' ? 'HEALTH_CHANGED' : 'HEALTH_WORSE', details);
  }
}
