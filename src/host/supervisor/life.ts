// SPDX-License-Identifier: MPL-2.0
// One life of a plugin: from its setup to its stop or its failure. A life fails once; whatever its promises do
// afterwards counts for nothing. The next life is a new object.
import { setMaxListeners } from 'node:events';
import type { PatientClock } from '../clock.js';
import { type ErrorCode, NnoeError, reasonOf } from '../errors.js';
import type { AnyPlugin, Context, Declarations, Health, Running } from '../plugin.js';
import type { Follow } from '../store/store.js';
import { checkRunning } from './declarations.js';

/** Setup may take this long while the store answers, s. */
export const setupLimit = 30;

export interface LifeOptions {
  plugin: AnyPlugin;
  clock: PatientClock;
  /** Called once, when the life ends otherwise than by `stop`. */
  failed: (error: NnoeError) => void;
}

export class Life {
  readonly #options: LifeOptions;
  readonly #abort = new AbortController();
  readonly #follows = new Set<Follow>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #resets = new Set<() => void>();
  /** What is followed and has not been shown for the first time. */
  readonly #unshown = new Set<{ prefix: string }>();
  #running: Running | undefined;
  #over = false;

  constructor(options: LifeOptions) {
    this.#options = options;
    setMaxListeners(0, this.#abort.signal); // one for each request under way
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get running(): Running | undefined {
    return this.#over ? undefined : this.#running;
  }

  /** Resolves with whether the plugin runs; when not, `failed` was called or the life was ended meanwhile. */
  async setup(context: Context<Declarations>): Promise<boolean> {
    const { plugin, clock } = this.#options;
    const details = { plugin: plugin.name, seconds: setupLimit };
    const cancel = clock.deadline(setupLimit, () =>
      this.fail(new NnoeError('PLUGIN_SETUP_TIMEOUT', details)),
    );
    try {
      const running: Running = await plugin.setup(context);
      checkRunning(plugin, running);
      this.#running = running;
    } catch (error) {
      this.fail(this.#wrap('PLUGIN_SETUP_FAILED', error));
    } finally {
      cancel();
    }
    if (this.#over && this.#running !== undefined) this.stop(0).catch(() => undefined);
    return !this.#over;
  }

  /** Asks the plugin how it is; one that cannot say has failed. */
  health(): Health | undefined {
    if (this.#over || this.#running === undefined) return undefined;
    try {
      return this.#running.health();
    } catch (error) {
      this.fail(this.#wrap('PLUGIN_HEALTH_FAILED', error));
      return undefined;
    }
  }

  fail(error: NnoeError): void {
    if (this.#over) return;
    this.#end();
    this.#options.failed(error);
  }

  keep(follow: Follow): void {
    if (this.#over) void follow.close();
    else this.#follows.add(follow);
  }

  /** @returns to be called when the first snapshot of the prefix was taken in. */
  following(prefix: string): () => void {
    const mark = { prefix };
    this.#unshown.add(mark);
    return () => this.#unshown.delete(mark);
  }

  /** Prefixes whose first snapshot has not been taken in. */
  get unshown(): string[] {
    return [...this.#unshown].map(({ prefix }) => prefix);
  }

  onReset(listener: () => void): void {
    this.#resets.add(listener);
  }

  /** The store came back as another one. */
  storeReset(): void {
    for (const listener of this.#over ? [] : this.#resets) {
      try {
        listener();
      } catch (error) {
        this.fail(this.#wrap('PLUGIN_TIMER_FAILED', error));
      }
    }
  }

  every(seconds: number, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.#over) return;
    const timer = setTimeout(async () => {
      this.#timers.delete(timer);
      try {
        await work(this.signal);
        this.every(seconds, work);
      } catch (error) {
        if (!this.#over) this.fail(this.#wrap('PLUGIN_TIMER_FAILED', error));
      }
    }, seconds * 1000);
    this.#timers.add(timer);
  }

  /**
   * Ends the life: aborts its signal, closes what it follows, and lets the plugin stop.
   * @param deadline s.
   * @throws NnoeError PLUGIN_STOP_TIMEOUT or PLUGIN_STOP_FAILED; the life is over all the same.
   */
  async stop(deadline: number): Promise<void> {
    this.#end();
    const running = this.#running;
    this.#running = undefined;
    if (running?.stop === undefined) return;
    const { name } = this.#options.plugin;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new NnoeError('PLUGIN_STOP_TIMEOUT', { plugin: name, seconds: deadline });
      timer = setTimeout(() => reject(error), deadline * 1000);
    });
    try {
      await Promise.race([running.stop(), late]);
    } catch (error) {
      throw this.#wrap('PLUGIN_STOP_FAILED', error);
    } finally {
      clearTimeout(timer);
    }
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#abort.abort(new Error(`plugin ${this.#options.plugin.name} is stopped`));
    for (const timer of this.#timers) clearTimeout(timer);
    for (const follow of this.#follows) follow.close().catch(() => undefined);
    this.#timers.clear();
    this.#follows.clear();
    this.#resets.clear();
  }

  #wrap(code: ErrorCode, error: unknown): NnoeError {
    if (error instanceof NnoeError && error.code.startsWith('PLUGIN_')) return error;
    return new NnoeError(code, { plugin: this.#options.plugin.name, reason: reasonOf(error) }, error);
  }
}
