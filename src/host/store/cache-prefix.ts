// SPDX-License-Identifier: MPL-2.0
// The copy of one followed prefix: always the prefix as it was at one revision. A snapshot is written as the
// difference to what is there, changes are gathered and written together, each as one transaction. Of several
// who follow the prefix one feeds the copy, because each is told in an order of its own; when it ends, the next
// one begins with a listing.
import { setImmediate as turn } from 'node:timers/promises';
import { reasonOf } from '../errors.js';
import { type Logger, say } from '../log.js';
import {
  ageOf,
  alterations,
  type CachedCopy,
  type CopyHead,
  differences,
  isOther,
  listed,
  longestCopied,
  longestOf,
  readCopy,
  sizeOf,
  wallClock,
  writeCopy,
} from './cache-copy.js';
import type { EmbeddedStore } from './embedded.js';
import type { Change, KeyValue, Operation, Page } from './store.js';

/** Whoever follows the prefix. */
export interface Follower {
  /** Whether it has been told what the remote holds. */
  readonly told: boolean;
  /** Whether it is being told something, which the copy will be told after it. */
  readonly busy: boolean;
}

/** What a copy needs of the file that it lies in. */
export interface PrefixParts {
  store: EmbeddedStore;
  log: Logger;
  /** Of every copy on disk. */
  heads: ReadonlyMap<string, CopyHead> & Pick<Map<string, CopyHead>, 'set'>;
  identity: string;
  /** Of the cluster that answers; empty: not known. */
  cluster(): string;
  /** Whether the remote answers, so that what followers were told is how things are. */
  isCurrent(): boolean;
  /** s */
  ttl: number;
  newId(): string;
  /** Reads what the remote holds now. */
  list(prefix: string, signal: AbortSignal): AsyncIterable<Page>;
  /** Runs when the file is loaded and nothing else works on it. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** Makes room for this copy to have that size; false: there is none. Called from within `alone`, as `remove`. */
  makeRoom(prefix: string, bytes: number): Promise<boolean>;
  remove(prefix: string): Promise<void>;
}

/** What the remote told since it showed the whole prefix last, as far as that is not written. */
interface Told {
  snapshot: { entries: KeyValue[]; revision: number; when: number } | undefined;
  /** Undefined: gone. */
  changes: Map<string, KeyValue | undefined>;
  revision: number;
  /** Wall clock, s: when it was told. */
  when: number;
  cluster: string;
  /** The copy could not be brought up to it, and is left as it is or was. */
  lost: boolean;
}

/** Changes are gathered for so long before they are written, ms. */
const gather = 1000;

export class CachePrefix {
  readonly prefix: string;
  readonly #o: PrefixParts;
  readonly #followers = new Set<Follower>();
  #feeder: Follower | undefined;
  /** Whether the feeder goes on from what was told. */
  #following = false;
  #told: Told | undefined;
  /** Of a feeder that took over: what it is told until its listing is there. */
  #ahead: { changes: Change[]; revision: number }[] = [];
  #listing: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #refusalSaid = false;

  constructor(prefix: string, parts: PrefixParts) {
    this.prefix = prefix;
    this.#o = parts;
  }

  get #head(): CopyHead | undefined {
    return this.#o.heads.get(this.prefix);
  }

  /** Whether somebody follows it. */
  get active(): boolean {
    return this.#followers.size > 0;
  }

  attach(follower: Follower): void {
    this.#followers.add(follower);
    this.#feeder ??= follower;
  }

  detach(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#feeder !== follower) return;
    this.confirm();
    this.#following = false;
    this.#endListing();
    [this.#feeder] = this.#followers;
    // One that has been told nothing yet begins with its own snapshot.
    if (this.#feeder?.told) void this.#takeOver();
  }

  #endListing(): void {
    this.#listing?.abort();
    this.#listing = undefined;
    this.#ahead = [];
  }

  /**
   * Gapless: every change told from now on is put aside, and a listing that is asked for now shows everything
   * that was told before.
   */
  async #takeOver(): Promise<void> {
    const listing = new AbortController();
    this.#listing = listing;
    try {
      // Whoever follows may be about to end as well.
      await turn();
      const cluster = this.#o.cluster();
      const { entries, revision } = await listed(
        (signal) => this.#o.list(this.prefix, signal),
        listing.signal,
      );
      if (this.#listing !== listing) return;
      const ahead = this.#ahead.filter((told) => told.revision > revision);
      this.#begin(entries, revision, cluster);
      for (const told of ahead) this.#goOn(told.changes, told.revision);
    } catch (error) {
      if (this.#listing !== listing) return;
      this.#endListing();
      this.#sayUnwritten(error);
    }
  }

  /** Undefined: there is none, it is too old, or it was made with another configuration. */
  copy(): Promise<CachedCopy | undefined> {
    return this.#o.alone(async () => {
      const head = this.#head;
      const { store, ttl, identity } = this.#o;
      if (head === undefined || head.identity !== identity || ageOf(head) > ttl) return undefined;
      return readCopy(store, head);
    });
  }

  /** @param cluster that showed it. */
  snapshot(from: Follower, entries: KeyValue[], revision: number, cluster: string): void {
    if (from === this.#feeder) this.#begin(entries, revision, cluster);
  }

  change(from: Follower, changes: Change[], revision: number): void {
    if (from !== this.#feeder) return;
    if (this.#listing !== undefined) this.#ahead.push({ changes, revision });
    else this.#goOn(changes, revision);
  }

  #begin(entries: KeyValue[], revision: number, cluster: string): void {
    this.#endListing();
    const when = wallClock();
    this.#told = {
      snapshot: { entries, revision, when },
      ...{ changes: new Map(), revision, when, cluster, lost: false },
    };
    this.#following = true;
    this.#plan(0);
  }

  #goOn(changes: Change[], revision: number): void {
    const told = this.#told;
    if (!this.#following || told === undefined || told.lost) return;
    for (const change of changes)
      if (change.type === 'put') told.changes.set(change.entry.key, change.entry);
      else told.changes.set(change.key, undefined);
    told.revision = revision;
    told.when = wallClock();
    this.#plan(gather);
  }

  #plan(milliseconds: number): void {
    this.#timer ??= setTimeout(() => void this.flush(), milliseconds);
  }

  /** Writes what is waiting; failures are logged, and cost only the copy. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#o.alone(async () => {
      const told = this.#told;
      if (told === undefined || told.lost) return;
      try {
        await this.#flush(told);
      } catch (error) {
        this.#lose(told);
        this.#sayUnwritten(error);
      }
    });
  }

  #lose(told: Told): void {
    told.lost = true;
    told.snapshot = undefined;
    told.changes = new Map();
  }

  #sayUnwritten(error: unknown): void {
    say(this.#o.log, 'STORE_CACHE_UNWRITTEN', { prefix: this.prefix, reason: reasonOf(error) });
  }

  async #flush(told: Told): Promise<void> {
    const { snapshot, changes, revision, when } = told;
    told.snapshot = undefined;
    told.changes = new Map();
    if (snapshot !== undefined) await this.#replace(told, snapshot);
    const head = this.#head;
    if (changes.size === 0 || head === undefined || told.lost) return;
    const longest = longestOf(changes.keys());
    if (longest > longestCopied) return this.#refuse(told, longest);
    const altered = await alterations(this.#o.store, { ...head, revision, when }, changes);
    await this.#write(told, altered.operations, altered.head);
  }

  async #replace(told: Told, { entries, revision, when }: NonNullable<Told['snapshot']>): Promise<void> {
    const { store, identity } = this.#o;
    const { cluster } = told;
    // Then what that one holds is about to be told.
    if (isOther(cluster, this.#o.cluster())) return this.#lose(told);
    // The prefix stands in the copy as well.
    const longest = Math.max(Buffer.byteLength(this.prefix), longestOf(entries.map(({ key }) => key)));
    if (longest > longestCopied) return this.#refuse(told, longest);
    const bytes = entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
    if (!(await this.#hasRoom(told, bytes))) return;
    const id = this.#head?.id ?? this.#o.newId();
    const operations = await differences(store, id, entries);
    await this.#write(told, operations, {
      ...{ id, identity, cluster, revision, when, entries: entries.length, bytes },
    });
  }

  /** A copy without one of its keys would pass it off as deleted. */
  async #refuse(told: Told, size: number): Promise<void> {
    const { log } = this.#o;
    if (!this.#refusalSaid)
      say(log, 'STORE_CACHE_KEY_TOO_LONG', { prefix: this.prefix, size, most: longestCopied });
    this.#refusalSaid = true;
    await this.#giveUp(told);
  }

  async #giveUp(told: Told): Promise<void> {
    this.#lose(told);
    await this.#o.remove(this.prefix);
  }

  async #hasRoom(told: Told, bytes: number): Promise<boolean> {
    if (await this.#o.makeRoom(this.prefix, bytes)) return true;
    await this.#giveUp(told);
    return false;
  }

  async #write(told: Told, operations: Iterable<Operation>, head: CopyHead): Promise<void> {
    if (!(await this.#hasRoom(told, head.bytes))) return;
    await writeCopy(this.#o.store, this.prefix, operations, head);
    this.#o.heads.set(this.prefix, head);
  }

  /** Says on disk that what is there is current, when it is: nobody but a follower knows. */
  confirm(): Promise<void> {
    const told = this.#told;
    if (!this.#following || told === undefined || this.#feeder?.busy || !this.#o.isCurrent())
      return Promise.resolve();
    const when = wallClock();
    void this.flush();
    return this.#o.alone(async () => {
      const head = this.#head;
      if (this.#told !== told || told.lost || head === undefined) return;
      const confirmed = { ...head, when: Math.max(head.when, when) };
      // It only looks older than it is.
      await this.#write(told, [], confirmed).catch(() => undefined);
    });
  }
}
