// SPDX-License-Identifier: MPL-2.0
// From policies in the store to programs in force: chosen, given to Cerbos as a whole, planned, compiled, published.
// Whatever fails on the way leaves in force what was.
import type { RoleSet } from '../../host/plugin.js';
import { Candidates, type PolicyState } from './candidates.js';
import { type Clock, clockOf, nextBoundary } from './clock.js';
import type { Desk } from './desk.js';
import type { Kept } from './kept.js';
import type { Decider } from './pdp/decider.js';
import type { PolicyText } from './pdp/pdp.js';
import { Plans } from './plans.js';
import { type Fallback, Incompilable, type Programs } from './programs.js';
import { type InForce, type Planned, Publisher, type PublisherOptions } from './publisher.js';
import { type PolicySource, parseSource } from './source.js';

export interface PoliciesOptions extends Omit<PublisherOptions, 'published'> {
  /** Asked for once, when there is a policy. */
  decider(): Decider;
  /** These are good, and to begin with in another life. */
  keep(good: Kept): void;
  /** Where bridges' questions are answered. */
  desk: Pick<Desk, 'open' | 'close'>;
  /** Of an earlier life. */
  kept: Kept;
  signal: AbortSignal;
  events: PoliciesEvents;
}

export interface PoliciesEvents {
  published(of: InForce): void;
  /**
   * What there was to do is done: these are the policies.
   * @param stuck why what is in force is not what they say
   */
  settled(states: readonly PolicyState[], stuck: string | undefined): void;
  /** Cerbos, or the tables, could not be had; it is tried again. */
  failed(reason: string): void;
  /** Cerbos did not go by the policies that it was given any more; it is given them again. */
  lost(): void;
}

const firstPause = 200;
const longestPause = 5000;
/** ms behind a boundary: a timer may be that much early. */
const late = 2;
/** How often in a row policies are handed over again. */
const mostLosses = 3;

export class Policies {
  private readonly candidates: Candidates;
  private readonly publisher: Publisher;
  private roleSets: readonly RoleSet[] | undefined;
  private lists: ReadonlyMap<string, number> | undefined;
  private stored = false;
  private plans: Plans | undefined;
  private sources: PolicySource[] = [];
  private decider: Decider | undefined;
  /** What Cerbos has, as a key. */
  private handed: string | undefined;
  private losses = 0;
  /** What is in force, or was in an earlier life. */
  private last: Planned | undefined;
  private stuck: string | undefined;
  private clock: Clock = { reads: false, moments: [] };
  private timer: NodeJS.Timeout | undefined;
  private changed: number | undefined;
  private running = false;
  private failures = 0;

  constructor(private readonly options: PoliciesOptions) {
    const { policies, plans } = options.kept;
    this.candidates = new Candidates(policies);
    this.publisher = new Publisher({ ...options, published: (of) => options.events.published(of) });
    if (plans.length > 0) {
      const sources = policies.map(({ id, text }) => parseSource(id, text));
      this.last = { texts: policies, sources, plans: new Plans(undefined, sources, plans) };
    }
    options.signal.addEventListener('abort', () => clearTimeout(this.timer), { once: true });
  }

  /** What the store holds below policies/. */
  setPolicies(policies: ReadonlyMap<string, string>): void {
    this.candidates.replace(policies);
    this.stored = true;
    this.change();
  }

  /** Resolves when they have programs as far as that is possible without Cerbos. */
  setRoleSets(sets: readonly RoleSet[]): Promise<void> {
    this.roleSets = sets;
    const covered = this.cover();
    this.change();
    return covered;
  }

  setLists(lists: ReadonlyMap<string, number>): void {
    this.lists = lists;
    this.change();
  }

  /** Cerbos ended, or has other policies: what it says from now on is not by those that are in force. */
  away(): void {
    // It may begin again with fewer, or none: who asked it then would hear that nobody may do anything.
    this.handed = undefined;
    this.options.desk.close();
  }

  /** Cerbos was started again, with what it was given last. */
  again(): void {
    this.away();
    this.plans = undefined;
    this.change();
  }

  states(): PolicyState[] {
    return this.candidates.states();
  }

  /** Sets of roles without a program: their queries meet what the bridge's `fail` says. */
  unplanned(): RoleSet[] {
    return this.publisher.unplanned(this.roleSets ?? []);
  }

  /** When policies are planned again because of the clock, ms since 1970. */
  nextBoundary(): number | undefined {
    return nextBoundary(this.clock, Date.now());
  }

  private change(): void {
    this.changed ??= performance.now();
    if (!this.running) void this.run();
  }

  private async run(): Promise<void> {
    this.running = true;
    clearTimeout(this.timer);
    while (
      this.changed !== undefined &&
      this.stored &&
      this.roleSets &&
      this.lists &&
      !this.options.signal.aborted
    ) {
      const since = this.changed;
      this.changed = undefined;
      try {
        if (!this.plans) await this.cover();
        this.stuck = undefined;
        await this.bringAbout(since);
        this.failures = 0;
        this.losses = 0;
      } catch (error) {
        if (this.options.signal.aborted) break;
        this.options.events.failed(error instanceof Error ? error.message : String(error));
        this.changed ??= since;
        this.handed = undefined;
        this.plans = undefined;
        const pause = Math.min(longestPause, firstPause * 2 ** Math.min(this.failures++, 10));
        this.wake(pause);
        break;
      }
      this.options.events.settled(this.candidates.states(), this.stuck);
    }
    this.running = false;
    if (this.changed === undefined) this.waitForBoundary();
  }

  private wake(ms: number): void {
    this.timer = setTimeout(() => void this.run(), ms);
    this.timer.unref();
  }

  private waitForBoundary(): void {
    const next = nextBoundary(this.clock, Date.now());
    if (next === undefined || this.options.signal.aborted) return;
    // A clock that is set is noticed within a second.
    const ms = Math.max(0, next - Date.now()) + late;
    this.timer = setTimeout(
      () => {
        if (Date.now() >= next || Date.now() < next - 60_000) {
          this.plans = undefined;
          this.change();
        } else this.waitForBoundary();
      },
      Math.min(ms, 1000),
    );
    this.timer.unref();
  }

  /**
   * Sets of roles that have no program, or that of other roles, get one by the plans that are in force: these are of
   * every role there can be, so Cerbos need not be there. Resolves when it is handed over.
   */
  private async cover(): Promise<void> {
    const { last, roleSets, lists, stored, publisher } = this;
    if (!last || !roleSets || !lists || !stored || this.candidates.chosen().length === 0) return;
    if (publisher.unplanned(roleSets).length === 0) return;
    try {
      const made = await publisher.make(last, roleSets, lists);
      if (this.last !== last || this.roleSets !== roleSets) return;
      void publisher.publish(made, last, roleSets, performance.now()).catch(() => undefined);
    } catch {
      // What keeps them from it is told when all of them are made.
    }
  }

  /** Every turn gives up one policy, or hands them over again, so it ends. */
  private async bringAbout(since: number): Promise<void> {
    for (;;) {
      const chosen = this.candidates.chosen();
      if (chosen.length === 0) return await this.none(since);
      this.decider ??= this.options.decider();
      if (!(await this.hand(chosen, this.decider))) continue;
      const { sources, roleSets = [], lists = new Map<string, number>() } = this;
      if (!sources.some(({ kind }) => kind === 'resourcePolicy')) return await this.none(since);
      if (!this.plans) this.plans = await this.plan(chosen, this.decider);
      if (!this.plans) continue;
      const planned = { texts: chosen, sources, plans: this.plans };
      const made = await this.programs(chosen, planned, roleSets, lists);
      if (made === 'others') continue;
      if (made === 'stay') return;
      // Others came meanwhile: with these programs they would have none.
      if (this.roleSets !== roleSets) continue;
      this.last = planned;
      this.options.keep({ policies: this.candidates.accept(chosen), plans: await planned.plans.all() });
      await this.publisher.publish(made, planned, roleSets, since);
      return this.openDesk(made.fallback);
    }
  }

  private async none(since: number): Promise<void> {
    this.last = undefined;
    this.clock = { reads: false, moments: [] };
    this.options.desk.close();
    this.options.keep({ policies: [], plans: [] });
    await this.publisher.none(this.roleSets?.length ?? 0, since);
  }

  /** Whether Cerbos has these now; if not, what it found bad is not chosen any more. */
  private async hand(chosen: readonly PolicyText[], decider: Decider): Promise<boolean> {
    const key = JSON.stringify(chosen);
    if (this.handed === key && this.plans) return true;
    this.sources = chosen.map(({ id, text }) => parseSource(id, text));
    this.clock = clockOf(this.sources);
    this.plans = undefined;
    if (this.handed === key) return true;
    this.handed = undefined;
    this.options.desk.close();
    const bad = await decider.load(chosen, this.options.signal);
    if (!bad) {
      this.handed = key;
      return true;
    }
    const found = chosen.filter(({ id }) => bad.has(id));
    if (found.length === 0)
      throw new Error(`Cerbos refuses policies without naming one: ${[...bad.values()].join('; ')}`);
    for (const { id, text } of found) this.candidates.refuse(id, text, bad.get(id) ?? '');
    return false;
  }

  /** All plans there can be; undefined when Cerbos turned out to have other policies than these. */
  private async plan(chosen: readonly PolicyText[], decider: Decider): Promise<Plans | undefined> {
    const { signal, events } = this.options;
    const plans = new Plans(decider.client, this.sources);
    if (await decider.holds(chosen, signal)) {
      await plans.all();
      // It may have been started again in between, and have said that nobody may do anything.
      if (await decider.holds(chosen, signal)) return plans;
    }
    this.away();
    if (++this.losses > mostLosses)
      throw new Error(`Cerbos at ${decider.place} does not keep the policies that it is given`);
    events.lost();
    return undefined;
  }

  /** 'others': a policy was given up, and others are to be tried; 'stay': what is in force is all there is. */
  private async programs(
    chosen: readonly PolicyText[],
    planned: Planned,
    roleSets: readonly RoleSet[],
    lists: ReadonlyMap<string, number>,
  ): Promise<Programs | 'others' | 'stay'> {
    try {
      return await this.publisher.make(planned, roleSets, lists);
    } catch (error) {
      if (!(error instanceof Incompilable)) throw error;
      // What has been in force is not it, but what came beside it.
      const fresh = chosen.filter(
        (each) => error.policies.includes(each.id) && !this.candidates.wasGood(each),
      );
      for (const { id, text } of fresh) this.candidates.refuse(id, text, error.message);
      if (fresh.length > 0) return 'others';
      this.stuck = `with the roles, lists and answers that there are now, ${error.message}`;
      return 'stay';
    }
  }

  /** Unless Cerbos ended meanwhile, and has to be given its policies again. */
  private openDesk(fallback: Fallback | undefined): void {
    const { desk, otherwise } = this.options;
    const { decider } = this;
    if (fallback === undefined || decider === undefined || this.handed === undefined) desk.close();
    else {
      const { client, mark } = decider;
      desk.open({ ...fallback, client, mark, clock: this.clock, otherwise });
    }
  }
}
