// SPDX-License-Identifier: MPL-2.0
// Decisions of all dnsdists on this machine: to the plugins that consume them, once a second; and how these
// dnsdists are, to whoever asks. Lossy: a plugin that does not run, or has not finished with a batch, is told of
// what was counted meanwhile with the next, but of no records.
import { performance } from 'node:perf_hooks';
import type { PatientClock } from '../clock.js';
import { NnoeError, reasonOf } from '../errors.js';
import { type Logger, sayError } from '../log.js';
import type { DecisionBatch, DecisionSpec } from '../plugin/streams.js';
import type { BridgeStatus } from '../tables/native.js';
import { makeBatch, type TableWords, type Told, told } from './batch.js';
import { BridgeLag } from './lag.js';
import type { DecisionLayout, DecisionsState, NativeDecisions, TakenDecisions } from './native.js';

/** Numbers are not told apart before tables are open; not waited for longer than this, ms. */
const wordsWithin = 30_000;

export interface DecisionConsumer {
  /** The plugin's. */
  name: string;
  spec: Required<DecisionSpec>;
  signal: AbortSignal;
  handle(batch: DecisionBatch): void | Promise<void>;
  failed(error: NnoeError): void;
}

export interface DecisionsObserver {
  /** Since the start. */
  decisions(records: number, lost: number): void;
}

export interface DecisionsOptions {
  directory: string;
  layout: DecisionLayout;
  log: Logger;
  clock: PatientClock;
  /** Whether anybody wants to know; otherwise nothing is opened or made. */
  wanted: boolean;
  open(directory: string): NativeDecisions;
  words: TableWords & {
    /** Whether they are known. */
    known(): boolean;
  };
  /** Last generation that was published; 0: none. */
  newest(): number;
  observer?: DecisionsObserver;
  /** ms between batches; default 1000. */
  tickEvery?: number;
}

interface Attached extends DecisionConsumer {
  busy: boolean;
}

export class DecisionsService {
  readonly #options: DecisionsOptions;
  readonly #consumers = new Map<string, Attached>();
  /** By plugin, over all its lives: the totals up to which it was told. */
  readonly #told = new Map<string, Told>();
  readonly #lag = new BridgeLag();
  #native: NativeDecisions | undefined;
  #timer: NodeJS.Timeout | undefined;
  #trouble: NnoeError | undefined;
  #started = 0;
  #last = 0;

  constructor(options: DecisionsOptions) {
    this.#options = options;
  }

  start(): void {
    if (!this.#options.wanted) return;
    this.#started = performance.now();
    this.#last = this.#started;
    this.#open();
    this.#timer = setInterval(() => this.#tick(), this.#options.tickEvery ?? 1000);
  }

  attach(consumer: DecisionConsumer): void {
    this.#consumers.set(consumer.name, { ...consumer, busy: false });
  }

  detach(name: string): void {
    this.#consumers.delete(name);
  }

  /** What each dnsdist says of itself. */
  bridges(): readonly BridgeStatus[] {
    const { bridges = [] } = this.#native?.state() ?? {};
    return this.#lag.look(bridges, this.#options.newest(), performance.now());
  }

  /** Why decisions do not come. */
  trouble(): NnoeError | undefined {
    return this.#trouble;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#consumers.clear();
    this.#native?.close();
    this.#native = undefined;
  }

  #open(): void {
    const { directory, open } = this.#options;
    try {
      this.#native = open(directory);
    } catch (error) {
      this.#complain(new NnoeError('DECISIONS_DIRECTORY', { directory, reason: reasonOf(error) }, error));
    }
  }

  #tick(): void {
    const native = this.#native;
    if (native === undefined) {
      this.#open();
      return;
    }
    const state = native.state();
    this.#note(state);
    const free = [...this.#consumers.values()].filter(({ busy }) => !busy);
    const { words } = this.#options;
    if (free.length === 0 || !(words.known() || performance.now() - this.#started > wordsWithin)) return;
    const most = (of: (spec: Required<DecisionSpec>) => number) =>
      Math.max(...free.map(({ spec }) => of(spec)));
    const taken = native.take(
      most(({ records }) => records),
      most(({ top }) => top),
    );
    const seconds = (performance.now() - this.#last) / 1000;
    this.#last = performance.now();
    for (const consumer of free) this.#hand(consumer, taken, seconds);
  }

  #hand(consumer: Attached, taken: TakenDecisions, seconds: number): void {
    const { words, layout, clock } = this.#options;
    const { name: plugin, spec, signal } = consumer;
    const before = this.#told.get(plugin) ?? {
      counters: new Float64Array(taken.counters.length),
      version: 0,
    };
    const batch = makeBatch({ taken, before, words, layout, seconds, limits: spec, signal });
    told(before, taken);
    this.#told.set(plugin, before);
    const failed = (error: unknown) => {
      if (this.#consumers.get(plugin) !== consumer) return;
      this.detach(plugin);
      consumer.failed(new NnoeError('PLUGIN_DECISIONS_FAILED', { plugin, reason: reasonOf(error) }, error));
    };
    let result: void | Promise<void>;
    try {
      result = consumer.handle(batch);
    } catch (error) {
      failed(error);
      return;
    }
    if (result === undefined) return;
    consumer.busy = true;
    const cancel = clock.deadline(spec.deadline, () =>
      failed(new Error(`it did not finish within ${spec.deadline} s`)),
    );
    result.then(
      () => {
        cancel();
        consumer.busy = false;
      },
      (error) => {
        cancel();
        failed(error);
      },
    );
  }

  #note({ code, reason, records, lost }: DecisionsState): void {
    const { directory, observer } = this.#options;
    observer?.decisions(records, lost);
    this.#complain(code === '' ? undefined : new NnoeError(code, { directory, reason }));
  }

  /** Logs what is new. */
  #complain(trouble: NnoeError | undefined): void {
    if (trouble !== undefined && trouble.message !== this.#trouble?.message)
      sayError(this.#options.log, trouble);
    this.#trouble = trouble;
  }
}
