// SPDX-License-Identifier: MPL-2.0
// Whether the store is the one that this journal's events were written into. A cursor says that what lies before
// it has been dealt with; a store that was emptied, replaced or put back from a backup while nobody looked makes
// that untrue. Neither an id nor a revision would show it for certain: an etcd that is made anew as it was made
// before has the id of before, and other nodes may have filled it since.
//
// So marks are counted: at the start, every minute in which a cursor moved, and at the end. Each is written into
// the store first, then beside the cursors. A store that has none, or a lower one than stands here, has lost what
// was written since: a walk over Kea's lease database is owed, and that is on disk before the next mark is made.
import { setTimeout as wait } from 'node:timers/promises';
import { reasonOf } from '../errors.js';
import { say } from '../log.js';
import { answers, type Store } from '../store/store.js';
import { Note, type NoteOptions } from './note.js';

/** Between two marks, while something happens, ms. */
const markEvery = 60_000;
/** For the mark at the end, ms. */
const patience = 1000;

export interface StoreMarkOptions extends NoteOptions {
  source: string;
  node: string;
  /** Above every key, without a slash at its end. */
  root: string;
  store: Pick<Store, 'get' | 'commit' | 'health'>;
  /** Grows with every record that was dealt with. */
  progress(): number;
  /** Owes a walk; whether that is on disk. */
  lost(): boolean;
}

export class StoreMark {
  readonly #o: StoreMarkOptions;
  readonly #note: Note;
  readonly #key: string;
  readonly #closing = new AbortController();
  /** The last mark that is known to be in the store; 0: none. */
  #mark: number;
  /** Progress at that mark. */
  #at = -1;
  /** The store has not been looked at yet. */
  #pending = true;
  /** That this store has lost something is taken care of. */
  #excused = false;
  /** One at a time. */
  #making: Promise<boolean> | undefined;

  constructor(options: StoreMarkOptions) {
    this.#o = options;
    this.#note = new Note(options, 'store.mark', 'what the store holds');
    this.#mark = this.#note.read() ?? 0;
    this.#key = `${options.root}/dhcp/journals/${options.journalId}`;
    void this.#run();
  }

  /** Whether it is still to be seen if the store lost something. */
  get pending(): boolean {
    return this.#pending;
  }

  /** The store says itself that it is another one: a walk is owed at once. */
  reset(): void {
    if (this.#mark === 0) return;
    this.#excused = this.#lost('it came back empty or as another one');
    this.#at = -1;
  }

  /** What was dealt with since the last mark gets one, unless the store is away. */
  async finish(): Promise<void> {
    if (!answers(this.#o.store.health())) return;
    await this.#make(AbortSignal.timeout(patience)).catch(() => undefined);
  }

  close(): void {
    this.#closing.abort();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      await this.#make(signal).catch((reason: unknown) => this.#failed(reason));
      this.#pending = false;
      await wait(markEvery, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  #failed(reason: unknown): void {
    if (this.#closing.signal.aborted) return;
    const { log, source } = this.#o;
    say(log, 'SOURCE_MARK_FAILED', { source, reason: reasonOf(reason) });
  }

  async #make(signal: AbortSignal): Promise<void> {
    await this.#making?.catch(() => undefined);
    const progress = this.#o.progress();
    if (progress === this.#at) return;
    this.#making = this.#next(AbortSignal.any([signal, this.#closing.signal]));
    if (await this.#making) this.#at = progress;
  }

  /** Whether there is a new one now. */
  async #next(signal: AbortSignal): Promise<boolean> {
    const { store, node, source } = this.#o;
    for (;;) {
      const entry = await store.get(this.#key, signal);
      const found = markIn(entry?.value);
      if (found < this.#mark && !this.#isExcused(found)) return false;
      const mark = Math.max(found, this.#mark) + 1;
      const { committed } = await store.commit(
        {
          compare: [{ key: this.#key, modRevision: entry?.modRevision ?? 0 }],
          operations: [{ put: this.#key, value: JSON.stringify({ node, source, mark }) }],
        },
        signal,
      );
      // Refused, where an answer to this same commit was lost: it is there already, or may come late.
      if (!committed) continue;
      this.#mark = mark;
      this.#excused = false;
      this.#note.write(mark);
      return true;
    }
  }

  /** Whether a walk makes up for what the store lost; tried again with the next mark when that cannot be noted. */
  #isExcused(found: number): boolean {
    const older = `it is as it was at mark ${found}, and had ${this.#mark}`;
    this.#excused ||= this.#lost(found === 0 ? 'it has no mark of this journal' : older);
    return this.#excused;
  }

  #lost(reason: string): boolean {
    const { source, log, lost } = this.#o;
    say(log, 'SOURCE_STORE_LOST', { source, reason });
    return lost();
  }
}

/** 0 where there is none. */
function markIn(value: Buffer | undefined): number {
  if (value === undefined) return 0;
  try {
    const { mark } = JSON.parse(value.toString('utf8')) as { mark?: unknown };
    return Number.isSafeInteger(mark) ? (mark as number) : 0;
  } catch {
    return 0;
  }
}
