// SPDX-License-Identifier: MPL-2.0
// The host under test, run as people run it: `nnoe host --config <file>`.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'smol-toml';
import { tree } from './kea.js';
import type { JsonObject } from './kea-config.js';
import { freePort } from './ports.js';
import { type Proc, start, until } from './process.js';
import { temporary } from './workspace.js';

export interface HostOptions {
  /** Journal directories by their name in the configuration. */
  journals: Record<string, { directory: string; family: 4 | 6 }>;
  /** Of etcd; left out: the embedded store. */
  endpoints?: string[];
  /** How to talk to etcd; default 'etcd'. */
  protocol?: 'etcd' | 'etcd-gateway';
  /** Where the store keeps its files; default below the host's own directory. */
  storeDirectory?: string;
  /** Where it serves health and metrics; default a free port. */
  port?: number;
  /** Default 'node-a'. */
  node?: string;
  /** Sections by plugin name; leases has history on unless said otherwise. */
  plugins?: Record<string, JsonObject>;
  /** Added to (or replacing) top-level sections. */
  extra?: JsonObject;
  env?: Record<string, string>;
  /** Put before the command, such as ['faketime', '-f', '+1d']. */
  wrapper?: string[];
  /** Run instead of `nnoe host`, with the configuration's path as argument. */
  script?: string;
  /** False: it is enough that it answers. */
  startsHealthy?: boolean;
}

export interface Health {
  status: number;
  body: JsonObject;
}

export class Host {
  proc: Proc | undefined;

  private constructor(
    readonly options: HostOptions,
    readonly directory: string,
    readonly port: number,
  ) {}

  static async create(options: HostOptions): Promise<Host> {
    const host = new Host(options, temporary('host'), options.port ?? (await freePort()));
    writeFileSync(host.configFile, stringify(host.config()));
    return host;
  }

  static async start(options: HostOptions): Promise<Host> {
    const host = await Host.create(options);
    await host.start();
    return host;
  }

  /** Its control socket. */
  get socket(): string {
    return join(this.directory, 'host.sock');
  }

  get configFile(): string {
    return join(this.directory, 'nnoe.toml');
  }

  config(): JsonObject {
    const { options } = this;
    return {
      node: options.node ?? 'node-a',
      journal: options.journals as unknown as JsonObject,
      store: this.store(),
      http: { listen: `127.0.0.1:${this.port}` },
      control: { socket: this.socket },
      tables: { directory: join(this.directory, 'tables'), decisions: join(this.directory, 'decisions') },
      plugins: { leases: { history: true }, ...options.plugins },
      ...options.extra,
    };
  }

  get storeDirectory(): string {
    return this.options.storeDirectory ?? join(this.directory, 'store');
  }

  private store(): JsonObject {
    const { endpoints, protocol = 'etcd' } = this.options;
    const directory = this.storeDirectory;
    if (endpoints === undefined) return { kind: 'embedded', directory };
    return { kind: protocol, directory, endpoints, 'connect-timeout': 2, 'request-timeout': 5 };
  }

  /** Starts the process without waiting for it. */
  spawn(): Proc {
    const { script, wrapper = [] } = this.options;
    const program = script ? [script] : [join(tree, 'dist/src/cli/nnoe.js'), 'host', '--config'];
    const [command, ...args] = [
      ...wrapper,
      ...[process.execPath, '--enable-source-maps', ...program, this.configFile],
    ];
    this.proc = start({
      name: 'host',
      command: command as string,
      args,
      directory: this.directory,
      // One that is killed leaves the sockets of its Cerbos there.
      env: { TMPDIR: this.directory, ...this.options.env },
    });
    return this.proc;
  }

  /** Starts it; resolves when it says that it is healthy. */
  async start(timeout = 20_000): Promise<void> {
    this.spawn();
    if (this.options.startsHealthy === false) {
      await until('the host to answer', async () => (await this.health()) !== undefined, timeout, 25);
    } else {
      await this.healthy(timeout);
    }
  }

  health(): Promise<Health | undefined> {
    return this.#look('health');
  }

  /** What /ready says; undefined while nobody answers. */
  ready(): Promise<Health | undefined> {
    return this.#look('ready');
  }

  async #look(page: string): Promise<Health | undefined> {
    try {
      const response = await fetch(`http://127.0.0.1:${this.port}/${page}`, {
        signal: AbortSignal.timeout(5_000),
      });
      return { status: response.status, body: (await response.json()) as JsonObject };
    } catch {
      return undefined;
    }
  }

  async healthy(timeout = 20_000): Promise<void> {
    const probe = async () => {
      if (this.proc?.exit) throw new Error(`the host ended: ${JSON.stringify(this.proc.exit)}`);
      return (await this.health())?.status === 200;
    };
    await until('a healthy host', probe, timeout, 25);
  }

  async metrics(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.port}/metrics`);
    return await response.text();
  }

  async stop() {
    return await this.proc?.stop(15_000);
  }

  async kill(): Promise<void> {
    await this.proc?.kill();
  }
}
