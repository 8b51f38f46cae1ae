// SPDX-License-Identifier: MPL-2.0
// The host: puts store, sources and plugins together, starts them, and stops them in order.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { PatientClock } from './clock.js';
import type { HostConfig } from './config.js';
import { NnoeError, reasonOf } from './errors.js';
import { HealthLog, type HealthReport, overall } from './health.js';
import { type HttpServer, serveHttp } from './http.js';
import { type Logger, say } from './log.js';
import { HostMetrics, pluginMetrics, type Scrape } from './metrics.js';
import { type Native, native } from './native.js';
import { openStore } from './open-store.js';
import type { AnyPlugin } from './plugin.js';
import type { Store } from './store/store.js';
import { Source } from './streams/source.js';
import { checkPlugins } from './supervisor/declarations.js';
import { PluginRunner } from './supervisor/runner.js';

/** Journals are checked for having been replaced, and health for changes, this often, s. */
const lookEvery = 2;

export interface HostOptions {
  config: HostConfig;
  plugins: readonly AnyPlugin[];
  log: Logger;
  /** The host cannot go on: the caller stops it and ends the process with this error's status. */
  fatal: (error: NnoeError) => void;
  /** Default: as the configuration says. */
  store?: Store;
  native?: () => Native;
}

export class Host {
  readonly registry = new Registry();
  readonly #options: HostOptions;
  readonly #store: Store;
  readonly #clock: PatientClock;
  readonly #sources: Source[];
  readonly #runners: PluginRunner[];
  readonly #health: HealthLog;
  #http: HttpServer | undefined;
  #looks: NodeJS.Timeout | undefined;

  /** @throws NnoeError PLUGIN_INVALID, NATIVE_LOAD. */
  constructor(options: HostOptions) {
    const { config, log } = options;
    this.#options = options;
    checkPlugins(options.plugins);
    const addon = loadNative(options.native ?? native);
    this.#store = options.store ?? openStore(config.store, log);
    this.#clock = new PatientClock(() => this.#store.health().state === 'ok');
    this.#health = new HealthLog(log);
    const metrics = new HostMetrics(this.registry, () => this.#scrape());
    const enabled = options.plugins.filter((plugin) => config.plugins[plugin.name]?.enabled);
    const configured = enabled
      .filter((plugin) => plugin.consumes.lease !== undefined)
      .map((plugin) => ({
        name: plugin.name,
        replays: plugin.consumes.lease.onGap === 'replay',
        batch: plugin.consumes.lease.batch,
      }));
    this.#sources = Object.entries(config.journal).map(
      ([name, { directory, family }]) =>
        new Source({
          name,
          directory,
          family,
          configured,
          clock: this.#clock,
          observer: metrics,
          log,
          native: addon,
          busy: options.fatal,
        }),
    );
    this.#runners = enabled.map(
      (plugin) =>
        new PluginRunner({
          plugin,
          config: config.plugins[plugin.name]?.config ?? {},
          node: config.node,
          root: config.store.root,
          store: this.#store,
          sources: this.#sources,
          clock: this.#clock,
          hostMetrics: metrics,
          metrics: pluginMetrics(plugin.name, plugin.metrics, this.registry),
          log,
        }),
    );
  }

  /** Where /health and /metrics are, once started. */
  get address(): string | undefined {
    return this.#http?.address;
  }

  /**
   * Starts everything and waits for nothing: a store or a journal that is not there is waited for and named in
   * health.
   * @throws NnoeError HTTP_LISTEN.
   */
  async start(): Promise<void> {
    const { config, log } = this.#options;
    if (config.http.listen !== '') {
      const health = () => this.health();
      this.#http = await serveHttp({ listen: config.http.listen, registry: this.registry, health });
      say(log, 'HTTP_LISTENING', { address: this.#http.address });
    }
    this.#store.onReset(() => {
      for (const runner of this.#runners) runner.storeReset();
    });
    for (const source of this.#sources) source.start();
    for (const runner of this.#runners) void runner.start();
    this.#looks = setInterval(() => this.#look(), lookEvery * 1000);
    const plugins = this.#runners.map((runner) => runner.name).join(', ') || 'none';
    say(log, 'HOST_STARTED', { node: config.node, plugins });
    this.#look();
  }

  /** @param counted with the numbers of journals, which take a while to find. */
  health(counted = true): HealthReport {
    const parts = {
      store: { name: this.#store.name, ...this.#store.health() },
      sources: Object.fromEntries(this.#sources.map((source) => [source.name, source.health(counted)])),
      plugins: Object.fromEntries(this.#runners.map((runner) => [runner.name, runner.health()])),
    };
    const uptimeSeconds = Math.round(process.uptime());
    return { state: overall(parts), node: this.#options.config.node, version, uptimeSeconds, ...parts };
  }

  /**
   * Stops reading, lets what is outstanding settle, stops the plugins, and closes journals and store. What does
   * not settle in time is given up: its cursor stays behind it.
   * @throws NnoeError HOST_STOP_TIMEOUT when even that took longer than the deadline.
   */
  async stop(deadline = this.#options.config.stop.deadline): Promise<void> {
    const end = performance.now() + deadline * 1000;
    const left = () => Math.max(0, end - performance.now());
    clearInterval(this.#looks);
    const late = wait(deadline * 1000, 'late' as const, { ref: false });
    if ((await Promise.race([this.#stopParts(left), late])) === 'late')
      throw new NnoeError('HOST_STOP_TIMEOUT', { seconds: deadline });
  }

  /** @param left ms that remain. */
  async #stopParts(left: () => number): Promise<void> {
    const drained = Promise.all(this.#sources.map((source) => source.drain()));
    const late = wait(left() * 0.7, 'late' as const, { ref: false });
    if ((await Promise.race([drained, late])) === 'late') {
      const plugins = [...new Set(this.#sources.flatMap((source) => source.unsettled()))].join(', ');
      say(this.#options.log, 'HOST_STOP_DRAIN', { plugins });
    }
    const each = (left() / 1000) * 0.6;
    await Promise.all(this.#runners.map((runner) => runner.stop(each)));
    for (const source of this.#sources) source.close();
    this.#clock.close();
    await this.#store.close();
    this.#http?.close();
  }

  #look(): void {
    for (const source of this.#sources) source.check();
    this.#health.look(this.health(false));
  }

  #scrape(): Scrape {
    const { store, sources, plugins } = this.health();
    return {
      storeUp: store.state === 'ok',
      plugins: Object.entries(plugins).map(([name, { state }]) => ({ name, up: state === 'ok' })),
      sources: Object.entries(sources).map(([name, { state, bytes = 0, consumers }]) => ({
        name,
        up: state === 'ok',
        bytes,
        consumers,
      })),
    };
  }
}

/** Early, so that an addon that is missing or of another Node is refused at the start. */
function loadNative(load: () => Native): Native {
  try {
    return load();
  } catch (error) {
    throw new NnoeError('NATIVE_LOAD', { reason: reasonOf(error).split('\n', 1)[0] ?? '' }, error);
  }
}

const version = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
