// SPDX-License-Identifier: MPL-2.0
// Puts the parts together: which lists there are and who is held to them, what they follow, and what operators ask.
import type { Health, ListSpec, SubscribeRule } from '../../host/plugin.js';
import { exceptionsSuffix, type ListConfig, type ListsConfig, type ListsContext } from './declaration.js';
import { FileList } from './file-list.js';
import { say } from './messages.js';
import { Guard } from './protected.js';
import { healthOf, type ListReport, type ListsDone, type ListsReport } from './report.js';
import { Threats } from './threats.js';
import { Watches } from './watch.js';

export class Lists {
  readonly #ctx: ListsContext;
  readonly #guard: Guard;
  readonly #files: readonly FileList[];
  readonly #threats: Threats;
  readonly #watches: Watches;
  readonly #rules: readonly SubscribeRule[];

  constructor(ctx: ListsContext) {
    this.#ctx = ctx;
    this.#guard = new Guard(ctx);
    const lists = Object.entries(ctx.config.list);
    const protect = () => this.#guard.names.names;
    this.#files = lists.flatMap(([name, config]) =>
      config.path === undefined
        ? []
        : [new FileList({ ctx, name, config: { ...config, path: config.path }, protect })],
    );
    this.#threats = new Threats(
      ctx,
      lists.filter(([, { threats }]) => threats),
      this.#guard.names,
    );
    this.#watches = new Watches((directory, { message: reason }) =>
      say(ctx.log, 'LISTS_UNWATCHED', { directory, reason }),
    );
    this.#rules = rulesOf(ctx.config);
  }

  /** Files are read while the plugin runs already: until then its lists are what they were at the last end. */
  async start(): Promise<void> {
    const { table, config } = this.#ctx;
    table.names.define(specsOf(config));
    table.names.subscribe(this.#rules);
    const { path } = this.#guard;
    if (path !== undefined) this.#watches.add(path, () => this.#detached(this.#lookAtGuard()));
    for (const file of this.#files) this.#watches.add(file.path, () => this.#detached(file.look()));
    this.#ctx.every(config['check-interval'], () => this.#lookAtAll());
    if (await this.#guard.look()) await this.#protectThreats();
    this.#threats.start();
    for (const file of this.#files) this.#detached(file.look());
  }

  stop(): void {
    this.#watches.close();
  }

  health(): Health {
    const report = this.report();
    this.#measure(report);
    return healthOf(report);
  }

  report(): ListsReport {
    const { failed } = this.#guard;
    const threats = this.#threats.report();
    const all = [...this.#files, ...this.#threats.lists].map((each) => each.report());
    const order = Object.keys(this.#ctx.config.list);
    return {
      lists: all
        .sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name))
        .map((each) => ({ ...each, subscriptions: this.#subscriptions(each.name) })),
      protected: { names: this.#guard.names.names.length, ...(failed === undefined ? {} : { failed }) },
      ...(threats === undefined ? {} : { threats }),
    };
  }

  /** Reads one list, or all, whether they changed or not. @throws Error naming a list that there is not. */
  async reload(name?: string): Promise<ListsDone> {
    if (await this.#guard.look()) await this.#protectThreats();
    return this.#again(name, false);
  }

  /** Takes what a list has now, however much it lost. @throws Error naming a list that there is not. */
  async accept(name?: string): Promise<ListsDone> {
    if (name === undefined) throw new Error(`list: found nothing, expected ${this.#known()}`);
    return this.#again(name, true);
  }

  async #again(name: string | undefined, accept: boolean): Promise<ListsDone> {
    const chosen = (each: { name: string }) => name === undefined || each.name === name;
    const files = this.#files.filter(chosen);
    const threats = this.#threats.lists.filter(chosen);
    if (name !== undefined && files.length + threats.length === 0)
      throw new Error(`list: found ${JSON.stringify(name).slice(0, 60)}, expected ${this.#known()}`);
    await Promise.all([
      ...files.map((file) => file.look({ force: true, accept })),
      ...threats.map((list) => list.again(accept)),
    ]);
    await this.#ctx.table.names.published();
    return { lists: this.report().lists.filter(chosen) };
  }

  async #lookAtAll(): Promise<void> {
    this.#watches.renew();
    await this.#lookAtGuard();
    for (const file of this.#files) await file.look();
  }

  /** Other protected names: every list has to be gone through again. */
  async #lookAtGuard(): Promise<void> {
    if (!(await this.#guard.look())) return;
    await this.#protectThreats();
    for (const file of this.#files) await file.look({ force: true });
  }

  async #protectThreats(): Promise<void> {
    for (const list of this.#threats.lists) await list.protect(this.#guard.names);
  }

  /** Work that nobody waits for: it reports its own trouble, and what is left is the plugin's being stopped. */
  #detached(work: Promise<void>): void {
    work.catch((error) => {
      if (!this.#ctx.signal.aborted) this.#ctx.log.error({ error }, `unexpected: ${error}`);
    });
  }

  #subscriptions(name: string): ListReport['subscriptions'] {
    return this.#rules
      .filter(({ lists }) => lists.includes(name))
      .map(({ roles, action }) => ({ roles, action }));
  }

  #measure({ lists }: ListsReport): void {
    const { metrics } = this.#ctx;
    for (const { name: list, names, held, failed, withheld } of lists) {
      metrics.names.set({ list }, names);
      metrics.held.set({ list }, held === undefined ? 0 : 1);
      metrics.failing.set({ list }, failed === undefined ? 0 : 1);
      metrics.withheld.set({ list }, withheld.names);
    }
  }

  #known(): string {
    const names = Object.keys(this.#ctx.config.list);
    return names.length === 0 ? 'a list, of which none is configured' : `one of ${names.join(', ')}`;
  }
}

const hasExceptions = ({ kind, exceptions, threats }: ListConfig): boolean =>
  kind === 'block' && exceptions === 'allow' && !threats;

/** Lists in the order of the configuration, each with that of its exceptions. */
export function specsOf(config: ListsConfig): ListSpec[] {
  return Object.entries(config.list).flatMap(([name, list]) => [
    { name, kind: list.kind },
    ...(hasExceptions(list) ? [{ name: name + exceptionsSuffix, kind: 'allow' } as const] : []),
  ]);
}

/** Whoever is held to a list is held to its exceptions. */
export function rulesOf(config: ListsConfig): SubscribeRule[] {
  return config.subscribe.map(({ lists, roles, action }) => ({
    lists: lists.flatMap((name) => {
      const list = config.list[name];
      return list !== undefined && hasExceptions(list) ? [name, name + exceptionsSuffix] : [name];
    }),
    roles,
    action,
  }));
}
