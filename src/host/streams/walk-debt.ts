// SPDX-License-Identifier: MPL-2.0
// Whether a journal owes its consumers a walk over Kea's lease database, and the asking for it.
//
// A debt is one number: a complete walk of every subnet that begins after it is owed. It is written to disk
// before any cursor passes what caused it, and paid only when the end of such a walk has been read, so no kill
// can make the host forget it. Walks stand in the journal: a consumer that is behind the one who read the end
// still meets the walk itself.
import { performance } from 'node:perf_hooks';
import { say } from '../log.js';
import { Note, type NoteOptions } from './note.js';

/** Asked again after this long without a walk, s: Kea may have been away. */
const patience = 30;
/** The hook walks by itself after gaps that it made; the host asks only when that did not happen, s. */
const grace = 5;
/** Least time between two requests, s. */
const pause = 2;

export interface WalkDebtOptions extends NoteOptions {
  source: string;
  /** Sends the request to the hook. */
  request: () => void;
  /** Whether somebody has read all there is; only then is it known that no walk is on its way. */
  caughtUp: () => boolean;
}

/** Why a walk is owed: a hole the hook made (it walks by itself), one found here, or a wish. */
export type Claim = 'hook' | 'host' | 'now';

/** What was read of walks; for people who wait for one. */
export interface WalkState {
  /** A complete walk that begins after this is owed. */
  owedAfter?: number;
  /** A walk is being read: this many leases of it so far. */
  leases?: number;
  /** The last complete one of every subnet whose end was read: where it began and ended. */
  last?: { begin: number; end: number; leases: number };
}

export class WalkDebt {
  readonly #options: WalkDebtOptions;
  /** Where nothing is owed after a journal was replaced: whoever begins anew in it owes a walk of its own. */
  readonly #note: Note;
  /** A walk that begins after this is owed; undefined when none is. */
  #after: number | undefined;
  #saved = true;
  /** Begin of the newest complete walk that was read. */
  #paid = 0;
  /** When a record of a walk under way was read last; monotonic, s, as the next two. */
  #alive: number | undefined;
  /** The walk that is being read, by the consumer that is furthest. */
  #reading: { begin: number; leases: number } | undefined;
  #last: WalkState['last'];
  #notBefore = 0;
  #asked = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WalkDebtOptions) {
    this.#options = options;
    this.#note = new Note(options, 'walk.owed', 'the walk owed');
    this.#after = this.#note.read();
    if (this.#after !== undefined) this.#rearm();
  }

  get owed(): number | undefined {
    return this.#after;
  }

  get state(): WalkState {
    return {
      ...(this.#after === undefined ? {} : { owedAfter: this.#after }),
      ...(this.#reading === undefined ? {} : { leases: this.#reading.leases }),
      ...(this.#last === undefined ? {} : { last: this.#last }),
    };
  }

  /** @param after what the walk must begin later than. */
  owe(after: number, claim: Claim, reason: string): void {
    if (this.#paid > after) return;
    if (this.#after === undefined || after > this.#after) {
      this.#after = after;
      this.#saved = false;
      this.saved();
      const since = claim === 'hook' ? now() + grace : 0;
      this.#notBefore = Math.max(since, this.#asked + pause);
      say(this.#options.log, 'SOURCE_WALK_OWED', { source: this.#options.source, after, reason });
    }
    if (claim === 'now' && now() >= this.#asked + pause) this.#request();
    else this.look();
  }

  /** Whether the debt is on disk; tries again when it is not. No cursor may move while this is false. */
  saved(): boolean {
    if (!this.#saved && this.#after !== undefined) this.#saved = this.#note.write(this.#after);
    return this.#saved;
  }

  /** Records of a walk are being read. @param begin where it began, 0 when that was not seen; @param leases so far. */
  alive(begin: number, leases: number): void {
    this.#alive = now();
    const { begin: at = 0, leases: most = 0 } = this.#reading ?? {};
    if (begin < at || begin <= (this.#last?.begin ?? 0)) return; // a consumer that is behind another
    this.#reading = { begin, leases: begin === at ? Math.max(most, leases) : leases };
  }

  /** @param id where it began; @param end and ended; @param whole every subnet, and complete. */
  ended(id: number, end: number, whole: boolean, leases: number): void {
    this.#alive = undefined;
    if (whole) this.#paid = Math.max(this.#paid, id);
    if (whole && id >= (this.#last?.begin ?? 0)) this.#last = { begin: id, end, leases };
    if (id >= (this.#reading?.begin ?? 0)) this.#reading = undefined;
    if (this.#after === undefined) return;
    if (whole && id > this.#after) {
      this.#after = undefined;
      this.#saved = true;
      this.close();
      this.#note.remove();
      say(this.#options.log, 'SOURCE_WALK_DONE', { source: this.#options.source, leases });
    } else {
      this.#notBefore = this.#asked + pause; // cut short, or begun too early: ask for another
      this.#rearm();
    }
  }

  /** To be called when somebody has caught up. */
  look(): void {
    if (this.#after === undefined) return;
    const walking = this.#alive !== undefined && now() - this.#alive < patience;
    if (!walking && now() >= this.#notBefore && this.#options.caughtUp()) this.#request();
    else if (this.#timer === undefined) this.#rearm();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #rearm(): void {
    clearTimeout(this.#timer);
    const delay = Math.max(1, this.#notBefore - now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.look();
    }, delay * 1000).unref();
  }

  #request(): void {
    this.#asked = now();
    this.#notBefore = this.#asked + patience;
    this.#options.request();
    say(this.#options.log, 'SOURCE_WALK_REQUESTED', { source: this.#options.source });
    this.#rearm();
  }
}

const now = () => performance.now() / 1000;
