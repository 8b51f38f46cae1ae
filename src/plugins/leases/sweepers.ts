// SPDX-License-Identifier: MPL-2.0
// The two passes that go round for ever: expired leases, and history beyond its age.
import type { KeyValue } from '../../host/plugin.js';
import type { LeasesContext } from './declaration.js';
import { historyTime, isExpired, SteadyClock } from './expiry.js';
import { say } from './messages.js';
import type { SweepStore } from './reconcile.js';
import { readStored } from './stored.js';
import { sweep } from './sweep.js';
import type { Note } from './walks.js';

/** Pages are rested for 400 times what they took: at most a quarter of a percent of a core. */
const pace = { pageSize: 200, rest: 400 } as const;
/** After the wall clock jumped nothing is taken for expired for so long, s. */
const settle = 600;

export class Sweepers {
  readonly #clock = new SteadyClock(settle);

  constructor(
    private readonly ctx: LeasesContext,
    private readonly store: SweepStore,
    private readonly note: Note,
    private readonly forget: (name: string) => void,
  ) {}

  start(): void {
    const { config } = this.ctx;
    const interval = config['sweep-interval'];
    this.ctx.every(interval, (signal) => this.#leases(signal));
    if (config.history) this.ctx.every(interval, (signal) => this.#history(signal));
  }

  async #leases(signal: AbortSignal): Promise<void> {
    const { config, node } = this.ctx;
    const graces = { own: config['sweep-grace'], others: config['sweep-foreign-grace'] };
    const victim = (entry: KeyValue) => {
      const now = this.#clock.now();
      return now !== undefined && isExpired(entry, node, now, graces);
    };
    const removed = (_: KeyValue, name: string) => this.forget(name);
    const swept = await sweep({ ...this.store, ...pace, signal, victim, removed });
    this.#swept('expired', 'dhcp/leases/', swept.removed);
  }

  async #history(signal: AbortSignal): Promise<void> {
    const { config, node, prefix } = this.ctx;
    const victim = (entry: KeyValue, name: string) => {
      const now = this.#clock.now();
      const time = historyTime(name);
      if (now === undefined || time === undefined || time + config['history-max-age'] > now) return false;
      return readStored(entry.value).node === node;
    };
    const swept = await sweep({ ...this.store, ...pace, prefix: prefix.history, signal, victim });
    this.#swept('history', 'dhcp/history/', swept.removed);
  }

  #swept(reason: 'expired' | 'history', resource: string, removed: number): void {
    if (removed === 0) return;
    this.ctx.metrics.removed_total.inc({ reason }, removed);
    say(this.ctx.log, 'LEASES_SWEPT', { reason, removed });
    this.note(`sweep-${reason}`, resource, `${removed} removed`);
  }
}
