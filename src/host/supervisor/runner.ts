// SPDX-License-Identifier: MPL-2.0
// Keeps one plugin running: starts its lives, attaches them to the sources, and after a failure starts another
// with a growing pause. Nothing that happens here touches another plugin.
import { performance } from 'node:perf_hooks';
import type { PatientClock } from '../clock.js';
import type { DecisionsService } from '../decisions/service.js';
import type { NnoeError } from '../errors.js';
import { type Logger, say, sayError } from '../log.js';
import type { HostMetrics } from '../metrics.js';
import type { TableProvider } from '../plugin/tables.js';
import type {
  AnyPlugin,
  ConsumeSpec,
  DecisionBatch,
  DecisionSpec,
  Health,
  LeaseBatch,
  Operations,
} from '../plugin.js';
import { type NotReady, troubled, waitsFor } from '../readiness.js';
import type { Store } from '../store/store.js';
import type { Source } from '../streams/source.js';
import { createContext } from './context.js';
import { consumeSpec, decisionSpec } from './declarations.js';
import { Life } from './life.js';

/** Pause before the next life, s: the first, and the longest. */
const firstPause = 1;
const longestPause = 60;
/** A life that lasted this long (s) was a good one: the pauses begin anew. */
const goodLife = 60;
/** A failed life may take this long (s) to stop. */
const stopLimit = 5;

export interface RunnerOptions {
  plugin: AnyPlugin;
  config: Record<string, unknown>;
  node: string;
  root: string;
  store: Store;
  sources: readonly Source[];
  clock: PatientClock;
  hostMetrics: HostMetrics;
  /** The plugin's own, by the names it declared. */
  metrics: Record<string, unknown>;
  tables: TableProvider;
  /** Absent where no plugin may consume them. */
  decisions?: Pick<DecisionsService, 'attach' | 'detach'>;
  log: Logger;
}

export type PluginState = 'starting' | 'ok' | 'degraded' | 'failed' | 'stopped';

export interface PluginHealth {
  state: PluginState;
  code?: string;
  reason: string;
}

export class PluginRunner {
  readonly name: string;
  readonly #options: RunnerOptions;
  #life: Life | undefined;
  #state: 'starting' | 'running' | 'failed' | 'stopped' = 'starting';
  #trouble: NnoeError | undefined;
  #pause = firstPause;
  #born = 0;
  #restart: NodeJS.Timeout | undefined;

  constructor(options: RunnerOptions) {
    this.name = options.plugin.name;
    this.#options = options;
  }

  async start(): Promise<void> {
    const { plugin, clock, log } = this.#options;
    const life = new Life({ plugin, clock, failed: (error) => this.#failed(life, error) });
    this.#life = life;
    this.#state = 'starting';
    this.#born = performance.now();
    if (!(await life.setup(this.#context(life)))) return;
    this.#state = 'running';
    this.#trouble = undefined;
    say(log, 'PLUGIN_STARTED', { plugin: this.name });
    this.#attach(life);
  }

  storeReset(): void {
    this.#life?.storeReset();
  }

  health(): PluginHealth {
    if (this.#state === 'stopped') return { state: 'stopped', reason: 'the host stops' };
    const said: Health | undefined = this.#life?.health();
    if (this.#state === 'failed' && this.#trouble !== undefined)
      return { state: 'failed', code: this.#trouble.code, reason: this.#trouble.message };
    if (said === undefined) return { state: 'starting', reason: 'setting up' };
    return { state: said.state, reason: said.reason ?? '' };
  }

  /** What operators may ask of it; undefined while it does not run. */
  operations(): Operations | undefined {
    const running = this.#life?.running;
    return running === undefined ? undefined : (running.operations ?? {});
  }

  /** See readiness.ts. */
  notReady(): NotReady | undefined {
    const what = `plugin ${this.name}`;
    const health = this.health();
    if (health.state === 'failed') return troubled(what, health);
    if (health.state === 'stopped') return waitsFor(what, 'READY_HOST_STOPS', {});
    if (health.state === 'starting') return waitsFor(what, 'READY_PLUGIN_SETUP', {});
    const prefixes = this.#life?.unshown ?? [];
    if (prefixes.length === 0) return undefined;
    return waitsFor(what, 'READY_PLUGIN_SNAPSHOT', { prefixes: prefixes.join(', ') });
  }

  /** @param deadline s. Batches have been drained or given up before. */
  async stop(deadline: number): Promise<void> {
    clearTimeout(this.#restart);
    const life = this.#life;
    this.#life = undefined;
    this.#state = 'stopped';
    this.#detach();
    try {
      await life?.stop(deadline);
    } catch (error) {
      sayError(this.#options.log, error);
    }
  }

  #context(life: Life) {
    const { plugin, sources, store, node, root, config, metrics, tables, hostMetrics, log } = this.#options;
    return createContext({
      plugin: this.name,
      config,
      node,
      root,
      store,
      metrics,
      log: log.child({ plugin: this.name }),
      prefixes: plugin.prefixes,
      publishes: plugin.publishes,
      tables,
      signal: life.signal,
      requestWalk(wanted) {
        for (const source of sources)
          if (wanted === undefined || wanted === source.name) source.requestWalk();
      },
      fail: (error) => life.fail(error),
      keep: (follow) => life.keep(follow),
      onReset: (listener) => life.onReset(listener),
      every: (seconds, work) => life.every(seconds, work),
      observer: {
        following(prefix) {
          hostMetrics.following();
          return life.following(prefix);
        },
        changes: (count) => hostMetrics.updated(count),
        committed: (seconds) => hostMetrics.committed(plugin.name, seconds),
      },
    });
  }

  #attach(life: Life): void {
    const { plugin, sources } = this.#options;
    this.#attachDecisions(life);
    const consumes: ConsumeSpec | undefined = plugin.consumes.lease;
    if (consumes === undefined) return;
    const running = life.running as { lease(batch: LeaseBatch): void | Promise<void> } | undefined;
    if (running === undefined) return;
    for (const source of sources)
      source.attach({
        name: this.name,
        spec: consumeSpec(consumes),
        signal: life.signal,
        handle: (batch) => running.lease(batch),
        failed: (error) => life.fail(error),
      });
  }

  #attachDecisions(life: Life): void {
    const { plugin, decisions } = this.#options;
    const spec: DecisionSpec | undefined = plugin.consumes.decision;
    const running = life.running as { decision(batch: DecisionBatch): void | Promise<void> } | undefined;
    if (spec === undefined || running === undefined) return;
    decisions?.attach({
      name: this.name,
      spec: decisionSpec(spec),
      signal: life.signal,
      handle: (batch) => running.decision(batch),
      failed: (error) => life.fail(error),
    });
  }

  #detach(): void {
    this.#options.decisions?.detach(this.name);
    for (const source of this.#options.sources) source.detach(this.name);
  }

  #failed(life: Life, error: NnoeError): void {
    if (life !== this.#life) return;
    const { log, hostMetrics } = this.#options;
    this.#detach();
    this.#state = 'failed';
    this.#trouble = error;
    hostMetrics.failure(this.name, error.code);
    sayError(log, error);
    life.stop(stopLimit).then(
      () => this.#again(life),
      (trouble) => {
        sayError(log, trouble);
        this.#again(life);
      },
    );
  }

  #again(life: Life): void {
    if (life !== this.#life) return; // stopped meanwhile
    if ((performance.now() - this.#born) / 1000 > goodLife) this.#pause = firstPause;
    const seconds = this.#pause;
    this.#pause = Math.min(seconds * 2, longestPause);
    say(this.#options.log, 'PLUGIN_RESTART', { plugin: this.name, seconds });
    this.#restart = setTimeout(() => {
      this.#options.hostMetrics.restart(this.name);
      void this.start();
    }, seconds * 1000);
  }
}
