// SPDX-License-Identifier: MPL-2.0
// From policies in the store to programs in force: chosen, given to Cerbos as a whole, planned, compiled, published.
// Whatever fails on the way leaves in force what was.
import type { ProgramsTable, RoleSet } from '../../host/plugin.js';
import { Candidates, type PolicyState } from './candidates.js';
import { type Clock, clockOf, nextBoundary } from './clock.js';
import type { Desk } from './desk.js';
import type { Decider } from './pdp/decider.js';
import type { PolicyText } from './pdp/pdp.js';
import { Plans } from './plans.js';
import { type Fallback, Incompilable, makePrograms, type Programs } from './programs.js';
import { type PolicySource, parseSource } from './source.js';

export interface PoliciesOptions {
  /** Asked for once, when there is a policy. */
  decider(): Decider;
  /** These are good, and to begin with in another life. */
  keep(policies: readonly PolicyText[]): void;
  table: Pick<ProgramsTable, 'action' | 'publish' | 'none'>;
  otherwise(roles: readonly string[]): string;
  onMiss(roles: readonly string[]): string | undefined;
  /** Where bridges' questions are answered. */
  desk: Pick<Desk, 'open' | 'close'>;
  /** Of an earlier life. */
  good: readonly PolicyText[];
  signal: AbortSignal;
  events: PoliciesEvents;
}

export interface PoliciesEvents {
  published(of: InForce): void;
  /** Policies changed their state. */
  states(states: readonly PolicyState[]): void;
  /** Cerbos, or the tables, could not be had; it is tried again. */
  failed(reason: string): void;
}

export interface InForce {
  policies: number;
  roleSets: number;
  /** Undefined: there is no policy, and no program. */
  programs: Omit<Programs, 'section' | 'fallback'> | undefined;
  /** From the change to here, ms. */
  ms: number;
}

const firstPause = 200;
const longestPause = 5000;
/** ms behind a boundary: a timer may be that much early. */
const late = 2;

export class Policies {
  private readonly candidates: Candidates;
  private roleSets: readonly RoleSet[] | undefined;
  private lists: ReadonlyMap<string, number> | undefined;
  private stored = false;
  private plans: Plans | undefined;
  private sources: PolicySource[] = [];
  private decider: Decider | undefined;
  /** What Cerbos has, as a key. */
  private handed: string | undefined;
  private published: Buffer | 'none' | undefined;
  private clock: Clock = { reads: false, moments: [] };
  private timer: NodeJS.Timeout | undefined;
  private changed: number | undefined;
  private running = false;
  private failures = 0;

  constructor(private readonly options: PoliciesOptions) {
    this.candidates = new Candidates(options.good);
    options.signal.addEventListener('abort', () => clearTimeout(this.timer), { once: true });
  }

  /** What the store holds below policies/. */
  setPolicies(policies: ReadonlyMap<string, string>): void {
    this.candidates.replace(policies);
    this.stored = true;
    this.change();
  }

  setRoleSets(sets: readonly RoleSet[]): void {
    this.roleSets = sets;
    this.change();
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
        await this.bringAbout(since);
        this.failures = 0;
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
      this.options.events.states(this.candidates.states());
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

  /** Every turn gives up one policy, so it ends. */
  private async bringAbout(since: number): Promise<void> {
    for (;;) {
      const chosen = this.candidates.chosen();
      if (chosen.length === 0) return await this.publishNone(since);
      this.decider ??= this.options.decider();
      if (!(await this.hand(chosen, this.decider))) continue;
      if (!this.sources.some(({ kind }) => kind === 'resourcePolicy')) return await this.publishNone(since);
      this.plans ??= new Plans(this.decider.client, this.sources);
      const made = await this.programs(chosen);
      if (made === 'others') continue;
      if (made === 'stay') return;
      this.candidates.accept(chosen);
      this.options.keep(chosen);
      return await this.publish(made, chosen, since);
    }
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

  /** 'others': a policy was given up, and others are to be tried; 'stay': what is in force is all there is. */
  private async programs(chosen: readonly PolicyText[]): Promise<Programs | 'others' | 'stay'> {
    const { table, otherwise, onMiss } = this.options;
    try {
      return await makePrograms({
        texts: chosen,
        sources: this.sources,
        plans: this.plans as Plans,
        roleSets: this.roleSets ?? [],
        lists: this.lists ?? new Map(),
        otherwise,
        onMiss,
        action: (text) => this.action(text, table),
      });
    } catch (error) {
      if (!(error instanceof Incompilable)) throw error;
      // What has been in force is not it, but what came beside it.
      const fresh = chosen.filter(
        (each) => error.policies.includes(each.id) && !this.candidates.wasGood(each),
      );
      for (const { id, text } of fresh) this.candidates.refuse(id, text, error.message);
      if (fresh.length > 0) return 'others';
      this.options.events.failed(`with the roles, lists and answers that there are now, ${error.message}`);
      return 'stay';
    }
  }

  /** An answer that the configuration does not have is the policy's fault. */
  private action(text: string, table: Pick<ProgramsTable, 'action'>): number {
    try {
      return table.action(text);
    } catch (error) {
      const naming = this.sources.filter(({ rules }) => rules.some(({ actions }) => actions.includes(text)));
      if (naming.length === 0) throw error;
      throw new Incompilable(
        naming.map(({ id }) => id),
        error instanceof Error ? error.message : String(error),
      );
    }
  }

  private async publish(made: Programs, chosen: readonly PolicyText[], since: number): Promise<void> {
    const { section, fallback, ...programs } = made;
    const same = this.published !== 'none' && this.published?.equals(section);
    if (!same) {
      await this.options.table.publish(section);
      this.published = section;
    }
    this.openDesk(fallback);
    const roleSets = this.roleSets?.length ?? 0;
    if (!same) this.tell({ policies: chosen.length, roleSets, programs }, since);
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

  private async publishNone(since: number): Promise<void> {
    this.options.desk.close();
    if (this.published === 'none') return;
    await this.options.table.none();
    this.published = 'none';
    this.tell({ policies: 0, roleSets: this.roleSets?.length ?? 0, programs: undefined }, since);
  }

  private tell(of: Omit<InForce, 'ms'>, since: number): void {
    this.options.events.published({ ...of, ms: performance.now() - since });
  }
}
