// SPDX-License-Identifier: MPL-2.0
// The host: puts store, sources and plugins together, starts them, and stops them in order.
import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { capabilities } from './capabilities.js';
import { PatientClock } from './clock.js';
import type { HostConfig } from './config.js';
import type { ControlLimits } from './control/limits.js';
import { ControlServer } from './control/server.js';
import { statusReport } from './control/status.js';
import { DecisionsService } from './decisions/service.js';
import { NnoeError } from './errors.js';
import { HealthLog, type HealthReport, overall } from './health.js';
import { type HttpServer, serveHttp } from './http.js';
import { type Logger, say } from './log.js';
import { HostMetrics, pluginMetrics } from './metrics.js';
import { type Native, native } from './native.js';
import { openStore } from './open-store.js';
import type { AnyPlugin } from './plugin.js';
import { type Readiness, readiness, statusLine } from './readiness.js';
import { RulingsServer } from './rulings/server.js';
import { answers, type Store } from './store/store.js';
import { Source } from './streams/source.js';
import { checkPlugins, keepsLeases, publishedTables } from './supervisor/declarations.js';
import { PluginRunner } from './supervisor/runner.js';
import { addonTables } from './tables/addon.js';
import { TablesService } from './tables/service.js';

/** Journals are checked for having been replaced, and health for changes, this often, s. */
const lookEvery = 2;

export interface HostOptions {
  config: HostConfig;
  plugins: readonly AnyPlugin[];
  log: Logger;
  /** The host cannot go on: the caller stops it and ends the process with this error's status. */
  fatal: (error: NnoeError) => void;
  /** How the host is, in one line; at every look. */
  status?: (line: string) => void;
  /** Default: as the configuration says. */
  store?: Store;
  native?: () => Native;
  /** What clients of the control socket may take; default as control/limits.ts says. */
  limits?: Partial<ControlLimits>;
}

export class Host {
  readonly #registry = new Registry();
  readonly #metrics: HostMetrics;
  readonly #options: HostOptions;
  readonly #store: Store;
  readonly #clock: PatientClock;
  readonly #sources: Source[];
  readonly #runners: PluginRunner[];
  readonly #tables: TablesService;
  readonly #decisions: DecisionsService;
  readonly #rulings: RulingsServer;
  readonly #health: HealthLog;
  readonly #control: ControlServer;
  #http: HttpServer | undefined;
  #looks: NodeJS.Timeout | undefined;
  /** When the next look is due; monotonic ms. */
  #due = 0;
  #wasReady = false;
  #stopping = false;

  /** @throws NnoeError PLUGIN_INVALID, NATIVE_LOAD, NATIVE_MISMATCH. */
  constructor(options: HostOptions) {
    const { config, log } = options;
    this.#options = options;
    checkPlugins(options.plugins, (name) => config.plugins[name]?.enabled === true);
    // Early, so that an addon that is missing or of another release is refused at the start.
    const addon = (options.native ?? native)();
    this.#store = options.store ?? openStore(config.store, log, options.fatal);
    this.#clock = new PatientClock(() => answers(this.#store.health()));
    this.#health = new HealthLog(log);
    const enabled = options.plugins.filter((plugin) => config.plugins[plugin.name]?.enabled);
    const consumed = enabled.some((plugin) => plugin.consumes.decision !== undefined);
    const decided = consumed || publishedTables(enabled).size > 0;
    const metrics = new HostMetrics(this.#registry, {
      version,
      etcd: this.#store.name.startsWith('etcd'),
      cached: this.#store.cacheSize !== undefined,
      tables: publishedTables(enabled).size > 0,
      decisions: decided,
      programs: publishedTables(enabled).has('programs'),
    });
    this.#metrics = metrics;
    this.#store.observe?.(metrics.store);
    const configured = enabled
      .filter((plugin) => plugin.consumes.lease !== undefined)
      .map((plugin) => ({
        name: plugin.name,
        replays: plugin.consumes.lease.onGap === 'replay',
        batch: plugin.consumes.lease.batch,
      }));
    const mark = { node: config.node, root: config.store.root, store: this.#store };
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
          ...(enabled.some(keepsLeases) ? { mark } : {}),
        }),
    );
    this.#tables = new TablesService({
      directory: config.tables.directory,
      tables: publishedTables(enabled),
      answers: config.answers,
      defaults: { ttl: config.tables['negative-ttl'], extendedErrors: config.tables['extended-errors'] },
      log,
      open: (directory) => addonTables((path) => addon.openTables(path), directory),
      busy: options.fatal,
      bridges: () => this.#decisions.bridges(),
      bridgesUnknown: () => this.#decisions.trouble() ?? this.#rulings.trouble(),
      ...(metrics.tables === undefined ? {} : { observer: metrics.tables }),
    });
    this.#decisions = new DecisionsService({
      directory: config.tables.decisions,
      layout: addon.decisionLayout,
      log,
      clock: this.#clock,
      wanted: decided,
      open: (directory) => addon.openDecisions(directory),
      words: {
        roles: (roleSet) => this.#tables.roles(roleSet),
        list: (list) => this.#tables.listName(list),
        known: () => this.#tables.opened,
      },
      newest: () => this.#tables.last?.generation ?? 0,
      ...(metrics.decisions === undefined ? {} : { observer: metrics.decisions }),
    });
    this.#rulings = new RulingsServer({
      directory: config.tables.decisions,
      wanted: publishedTables(enabled).has('programs'),
      log,
      rule: (question) => this.#tables.rule(question),
      ...(metrics.rulings === undefined ? {} : { observer: metrics.rulings }),
    });
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
          metrics: pluginMetrics(plugin.name, plugin.metrics, this.#registry),
          tables: this.#tables,
          decisions: this.#decisions,
          log,
        }),
    );
    const { root } = config.store;
    this.#control = new ControlServer({
      socket: config.control.socket,
      log,
      limits: options.limits ?? {},
      target: {
        root,
        store: this.#store,
        sources: this.#sources,
        tables: this.#tables,
        status: () => statusReport(this.health(), this.#sources, { root, streams: this.#control.streams }),
        plugins: () => ({ plugins: capabilities(options.plugins, config.plugins) }),
        operations: () =>
          Object.fromEntries(this.#runners.map((runner) => [runner.name, runner.operations()])),
      },
    });
  }

  /** Where /health and /metrics are, once started. */
  get address(): string | undefined {
    return this.#http?.address;
  }

  /**
   * Starts everything and waits for nothing: a store or a journal that is not there is waited for and named in
   * health.
   * @throws NnoeError CONTROL_BUSY, HTTP_LISTEN.
   */
  async start(): Promise<void> {
    const { config, log } = this.#options;
    await this.#control.open();
    if (config.http.listen !== '') {
      this.#http = await serveHttp({
        listen: config.http.listen,
        health: () => this.health(),
        readiness: () => this.readiness(),
        metrics: () => this.metrics(),
      }).catch(async (error) => {
        await this.#control.close();
        throw error;
      });
      say(log, 'HTTP_LISTENING', { address: this.#http.address });
    }
    this.#store.onReset(() => {
      for (const source of this.#sources) source.storeReset();
      for (const runner of this.#runners) runner.storeReset();
    });
    this.#tables.start();
    this.#decisions.start();
    this.#rulings.start();
    for (const source of this.#sources) source.start();
    for (const runner of this.#runners) void runner.start();
    this.#due = performance.now() + lookEvery * 1000;
    this.#looks = setInterval(() => this.#lookInTime(), lookEvery * 1000);
    const plugins = this.#runners.map((runner) => runner.name).join(', ') || 'none';
    say(log, 'HOST_STARTED', { node: config.node, plugins });
    this.#look();
  }

  /** @param counted with the numbers of journals, which take a while to find. */
  health(counted = true): HealthReport {
    const tables = this.#tables.health();
    const parts = {
      ...(tables === undefined ? {} : { tables }),
      store: { name: this.#store.name, ...this.#store.health() },
      sources: Object.fromEntries(this.#sources.map((source) => [source.name, source.health(counted)])),
      plugins: Object.fromEntries(this.#runners.map((runner) => [runner.name, runner.health()])),
      control: this.#control.health(),
    };
    const uptimeSeconds = Math.round(process.uptime());
    return { state: overall(parts), node: this.#options.config.node, version, uptimeSeconds, ...parts };
  }

  /** See readiness.ts. */
  readiness(): Readiness {
    const parts = [...this.#sources, ...this.#runners].map((part) => part.notReady());
    return readiness(parts, { name: this.#store.name, ...this.#store.health() }, this.#stopping);
  }

  /** Everything that is measured, as Prometheus reads it. */
  async metrics(): Promise<{ type: string; text: string }> {
    // Asking plugins how they are has them set their gauges.
    const health = this.health();
    const { ready } = this.readiness();
    this.#metrics.refresh({ health, ready, cache: this.#store.cacheSize?.() });
    return { type: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  /**
   * Stops reading, lets what is outstanding settle, stops the plugins, and closes journals and store. What does
   * not settle in time is given up: its cursor stays behind it.
   * @throws NnoeError HOST_STOP_TIMEOUT when even that took longer than the deadline.
   */
  async stop(deadline = this.#options.config.stop.deadline): Promise<void> {
    const end = performance.now() + deadline * 1000;
    const left = () => Math.max(0, end - performance.now());
    this.#stopping = true;
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
    await this.#control.close();
    for (const source of this.#sources) source.close();
    await this.#rulings.close();
    this.#decisions.close();
    await this.#tables.close();
    this.#clock.close();
    await this.#store.close();
    this.#http?.close();
  }

  #lookInTime(): void {
    const now = performance.now();
    this.#metrics.late(Math.max(0, now - this.#due) / 1000);
    this.#due = now + lookEvery * 1000;
    this.#look();
  }

  #look(): void {
    for (const source of this.#sources) source.check();
    this.#control.check();
    const health = this.health(false);
    this.#health.look(health);
    const ready = this.readiness();
    this.#sayReady(ready);
    this.#options.status?.(statusLine(health, ready));
  }

  #sayReady({ ready, reasons }: Readiness): void {
    if (ready === this.#wasReady) return;
    this.#wasReady = ready;
    const { log } = this.#options;
    if (ready) say(log, 'HOST_READY', { seconds: Math.round(process.uptime() * 10) / 10 });
    else say(log, 'HOST_UNREADY', { reason: `${reasons[0]?.what}: ${reasons[0]?.reason}` });
  }
}

const version = (
  JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
).version;
