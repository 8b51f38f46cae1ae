// SPDX-License-Identifier: MPL-2.0
// One journal directory, for as long as the host runs: waits until it is there, opens it, notices when it is
// replaced under us, and attaches the consumers to whatever journal stands there now.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { PatientClock } from '../clock.js';
import type { JournalConfig } from '../config.js';
import { type ErrorCode, errors, NnoeError, reasonOf } from '../errors.js';
import { type Logger, say } from '../log.js';
import type { Native } from '../native.js';
import { type NotReady, troubled } from '../readiness.js';
import type { Consumer, DeliveryObserver } from './delivery.js';
import { type Configured, OpenJournal } from './open-journal.js';
import type { StoreMarkOptions } from './store-mark.js';
import type { WalkState } from './walk-debt.js';

/** Pauses between attempts to open, ms. */
const firstPause = 50;
const longestPause = 1000;

export interface SourceOptions {
  name: string;
  directory: string;
  family: JournalConfig['family'];
  configured: readonly Configured[];
  clock: PatientClock;
  observer: DeliveryObserver;
  log: Logger;
  native: Native;
  /** Where what consumers make of events goes, and may get lost; left out: nowhere. */
  mark?: Pick<StoreMarkOptions, 'node' | 'root' | 'store'>;
  /** Another host holds the journal. */
  busy: (error: NnoeError) => void;
  /** Consumers that read a journal here before, which is gone. */
  lost: Set<string>;
}

export interface SourceHealth {
  state: 'starting' | 'ok' | 'failed';
  code?: ErrorCode;
  reason: string;
  id?: string;
  head?: number;
  oldest?: number;
  bytes?: number;
  walkOwedAfter?: number;
  /** `lag` in records; `age` (s) of the oldest of them. */
  consumers: { consumer: string; cursor: number; lag: number; age: number; outstanding: number }[];
}

/** See control/api.ts. */
export interface ConsumerProgress {
  cursor: number;
  lag: number;
  ageSeconds: number;
  outstanding: number;
  gaps: number;
  lastGap?: { reason: string; at: string };
}

export class Source {
  readonly name: string;
  readonly #options: SourceOptions;
  readonly #consumers = new Map<string, Consumer>();
  /** Holes that consumers were told of. */
  readonly #gaps = new Map<string, { count: number; last: { reason: string; at: string } }>();
  #open: OpenJournal | undefined;
  /** The one before, until what was outstanding of it has settled. */
  #old: { journal: OpenJournal; closed: Promise<void> } | undefined;
  #identity = '';
  #mark = '';
  #trouble: NnoeError;
  #retry: NodeJS.Timeout | undefined;
  #pause = firstPause;
  #stopping = false;
  /** Was once read up to where it stood when it was opened. */
  #caughtUp = false;

  constructor(options: Omit<SourceOptions, 'lost'>) {
    this.name = options.name;
    const { observer: metrics } = options;
    const observer: DeliveryObserver = {
      batch: (...seen) => metrics.batch(...seen),
      gap: (consumer, source, reason) => {
        const count = (this.#gaps.get(consumer)?.count ?? 0) + 1;
        this.#gaps.set(consumer, { count, last: { reason, at: new Date().toISOString() } });
        metrics.gap(consumer, source, reason);
      },
    };
    this.#options = { ...options, observer, lost: new Set() };
    this.#trouble = new NnoeError('JOURNAL_ABSENT', { directory: options.directory });
  }

  start(): void {
    this.#tryOpen();
  }

  attach(consumer: Consumer): void {
    this.#consumers.set(consumer.name, consumer);
    this.#open?.attach(consumer);
  }

  detach(name: string): void {
    this.#consumers.delete(name);
    this.#open?.detach(name);
  }

  get directory(): string {
    return this.#options.directory;
  }

  get family(): JournalConfig['family'] {
    return this.#options.family;
  }

  /** Returns the sequence that the walk will begin after; undefined while the journal is not open. */
  requestWalk(): number | undefined {
    return this.#open?.requestWalk();
  }

  /** The store came back empty or as another one. */
  storeReset(): void {
    this.#open?.storeReset();
  }

  /** Undefined while the journal is not open. */
  walk(): WalkState | undefined {
    return this.#open?.walk;
  }

  /** Whether every consumer has dealt with all records up to `seq`. */
  passed(seq: number): boolean {
    return this.#open?.positions().every(({ cursor }) => cursor >= seq) ?? false;
  }

  /** How far a consumer is; undefined when it is none, or while the journal is not open. Reads in the journal. */
  progress(name: string): ConsumerProgress | undefined {
    const open = this.#open;
    const found = open?.positions().find(({ consumer }) => consumer === name);
    if (open === undefined || found === undefined) return undefined;
    const { cursor, outstanding } = found;
    const gaps = this.#gaps.get(name);
    try {
      const lag = lagOf(open.journal.status().head, cursor);
      const age = lag === 0 ? 0 : open.age(name, cursor);
      return {
        cursor,
        lag,
        ageSeconds: Math.round(age * 1000) / 1000,
        outstanding,
        gaps: gaps?.count ?? 0,
        ...(gaps === undefined ? {} : { lastGap: gaps.last }),
      };
    } catch {
      return undefined; // health says why the journal cannot be read
    }
  }

  /** To be called every few seconds: is the journal that we have open the one that stands there? */
  check(): void {
    try {
      if (this.#open !== undefined && !this.#stands(this.#open)) this.#lose();
    } catch (error) {
      this.#breakOff(error);
    }
  }

  /** @param counted with numbers; finding the journal's head takes milliseconds, too long for every look. */
  health(counted = true): SourceHealth {
    const open = this.#open;
    if (open === undefined) {
      const { code, message } = this.#trouble;
      return {
        state: code === 'JOURNAL_ABSENT' ? 'starting' : 'failed',
        code,
        reason: message,
        consumers: [],
      };
    }
    if (!counted) return { state: 'ok', reason: '', consumers: [] };
    try {
      return wellOf(open);
    } catch (error) {
      const { code, message } = asJournalError(error, this.#options.directory);
      return { state: 'failed', code, reason: message, consumers: [] };
    }
  }

  /** See readiness.ts. */
  notReady(): NotReady | undefined {
    const open = this.#open;
    if (open === undefined) return troubled(`journal ${this.name}`, this.health(false));
    if (this.#caughtUp) return undefined;
    const waits = open.notReady();
    this.#caughtUp = waits === undefined;
    return waits;
  }

  /** Stops reading; resolves when what was handed over has settled. */
  async drain(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#retry);
    await Promise.all([this.#open?.drain(), this.#old?.closed]);
  }

  /** Consumers with batches handed over and not settled. */
  unsettled(): string[] {
    const journals = [this.#open, this.#old?.journal].filter((journal) => journal !== undefined);
    return journals.flatMap((journal) =>
      journal.positions().flatMap(({ consumer, outstanding }) => (outstanding > 0 ? [consumer] : [])),
    );
  }

  close(): void {
    this.#stopping = true;
    clearTimeout(this.#retry);
    this.#old?.journal.close();
    this.#open?.close();
    this.#open = undefined;
  }

  #stands(open: OpenJournal): boolean {
    const { directory } = this.#options;
    if (identity(directory) !== this.#identity) return false;
    const mark = metaMark(directory);
    if (mark === this.#mark) return true;
    this.#mark = mark;
    return open.journal.status().id === open.id;
  }

  #tryOpen(): void {
    const { directory, native, configured } = this.#options;
    const capacity = Math.max(1, ...configured.map((consumer) => consumer.batch));
    try {
      const seen = identity(directory);
      const mark = metaMark(directory);
      const journal = native.openJournal(directory, { capacity });
      this.#open = openOrClose(journal, this.#options, (error) => this.#breakOff(error));
      this.#identity = seen;
      this.#mark = mark;
      this.#pause = firstPause;
      for (const consumer of this.#consumers.values()) this.#open.attach(consumer);
    } catch (error) {
      this.#trouble = asJournalError(error, directory);
      if (this.#trouble.code === 'JOURNAL_BUSY') this.#options.busy(this.#trouble);
      this.#later();
    }
  }

  #later(): void {
    if (this.#stopping) return;
    this.#retry = setTimeout(() => this.#tryOpen(), this.#pause);
    this.#pause = Math.min(this.#pause * 2, longestPause);
  }

  #breakOff(error: unknown): void {
    this.#trouble = asJournalError(error, this.#options.directory);
    this.#reopen();
  }

  /** What is outstanding of the old journal settles first: a plugin gets the batches of a source in order. */
  #lose(): void {
    const { name: source, directory, log } = this.#options;
    say(log, 'SOURCE_LOST', { source, directory });
    this.#trouble = new NnoeError('JOURNAL_ABSENT', { directory });
    this.#reopen();
  }

  #reopen(): void {
    const old = this.#open;
    if (old === undefined) return;
    this.#open = undefined;
    for (const { consumer } of old.positions()) this.#options.lost.add(consumer);
    const closed = old.drain().then(() => {
      this.#old = undefined;
      old.close();
      this.#later();
    });
    this.#old = { journal: old, closed };
  }
}

function wellOf(open: OpenJournal): SourceHealth {
  const { id, head, oldest, bytes } = open.journal.status();
  const consumers = open.positions().map((each) => {
    const lag = lagOf(head, each.cursor);
    return { ...each, lag, age: lag === 0 ? 0 : open.age(each.consumer, each.cursor) };
  });
  const walk = open.walkOwed === undefined ? {} : { walkOwedAfter: open.walkOwed };
  return { state: 'ok', reason: '', id, head, oldest, bytes, ...walk, consumers };
}

/** An empty journal has head 0 while cursors may stand at the clock. */
const lagOf = (head: number, cursor: number) => (head === 0 ? 0 : Math.max(0, head - cursor));

function openOrClose(...[journal, options, broken]: ConstructorParameters<typeof OpenJournal>): OpenJournal {
  try {
    return new OpenJournal(journal, options, broken);
  } catch (error) {
    journal.close();
    throw error;
  }
}

/** Of the directory and its doorbell; neither number is used again while the journal holds them open. */
function identity(directory: string): string {
  const numbers = [directory, join(directory, 'wake')].map((path) => {
    const { dev, ino } = statSync(path, { bigint: true, throwIfNoEntry: false }) ?? {};
    return `${dev}:${ino}`;
  });
  return numbers.join(' ');
}

/** Changes whenever a producer opens or closes the journal. */
function metaMark(directory: string): string {
  const { ino, mtimeNs } = statSync(join(directory, 'meta'), { bigint: true, throwIfNoEntry: false }) ?? {};
  return `${ino}:${mtimeNs}`;
}

function asJournalError(error: unknown, directory: string): NnoeError {
  if (error instanceof NnoeError) return error;
  const code = (error as { code?: unknown }).code;
  const denied = ['EACCES', 'EPERM', 'EROFS'].includes(String(code));
  const otherwise = denied ? 'JOURNAL_DENIED' : 'JOURNAL_IO';
  const known = typeof code === 'string' && code in errors ? (code as ErrorCode) : otherwise;
  return new NnoeError(known, { directory, reason: reasonOf(error) }, error);
}
