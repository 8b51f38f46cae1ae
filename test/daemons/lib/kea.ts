// SPDX-License-Identifier: MPL-2.0
// A real Kea server with the hook, on loopback ports of its own, without privileges.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createConnection } from 'node:net';
import { basename, join, resolve } from 'node:path';
import { type Json, type JsonObject, type KeaOptions, keaConfig, type Layout, layout } from './kea-config.js';
import { freePorts } from './ports.js';
import { type Proc, run, start, until } from './process.js';
import { temporary } from './workspace.js';

export type { Json, JsonObject, KeaOptions } from './kea-config.js';

/** Top of the source tree, seen from dist/test/daemons/lib. */
export const tree = resolve(import.meta.dirname, '../../../..');
export const hookLibrary = process.env.NNOE_KEA_HOOK ?? join(tree, 'build/kea-hook/libdhcp_etcd.so');

export interface Answer {
  result: number;
  text?: string;
  arguments?: JsonObject;
}

function systemHooks(): string {
  const libs = readdirSync('/usr/lib', { withFileTypes: true }).filter((d) => d.isDirectory());
  const found = libs.map((d) => `/usr/lib/${d.name}/kea/hooks`).find((d) => existsSync(d));
  if (!found) throw new Error('no Kea hooks directory below /usr/lib: is kea-common installed?');
  return found;
}

function executable(family: 4 | 6): string {
  const name = `kea-dhcp${family}`;
  const found = ['/usr/sbin', '/usr/local/sbin'].map((d) => join(d, name)).find((f) => existsSync(f));
  if (!found) throw new Error(`${name} is not installed (Debian package kea-dhcp${family}-server)`);
  return found;
}

/** AppArmor's profile for Kea (Debian 12) goes by path and allows only Kea's own files: then a copy is run. */
function unconfined(file: string, directory: string): string {
  const enabled = '/sys/module/apparmor/parameters/enabled';
  const profile = `/etc/apparmor.d/usr.sbin.${basename(file)}`;
  if (!existsSync(profile) || !existsSync(enabled) || readFileSync(enabled, 'latin1').trim() !== 'Y')
    return file;
  const copy = join(directory, basename(file));
  if (!existsSync(copy)) copyFileSync(file, copy);
  return copy;
}

/** What is run as the server of that family; @param directory for a copy, where one is needed. */
export const serverProgram = (family: 4 | 6, directory: string): string =>
  unconfined(executable(family), directory);

let version: [number, number] | undefined;

/** Major and minor version of the installed Kea. */
export function keaVersion(): [number, number] {
  if (!version) {
    const text = run(executable(4), ['-v'], { KEA_LOCKFILE_DIR: 'none' });
    const [major, minor] = text.trim().split('.').map(Number);
    version = [major ?? 0, minor ?? 0];
  }
  return version;
}

export class Kea {
  proc: Proc | undefined;

  private constructor(
    readonly options: KeaOptions,
    readonly at: Layout,
    readonly port: number,
    /** Where it sends its answers, whatever the client's port: so one load at a time. */
    readonly clientPort: number,
  ) {}

  /** Lays out a directory and a configuration; starts nothing. */
  static async create(options: KeaOptions): Promise<Kea> {
    const at = layout(realpathSync(temporary(`kea${options.family}-`)));
    const [port, clientPort] = await freePorts(2);
    mkdirSync(at.hooks, { mode: 0o755 });
    const system = systemHooks();
    for (const file of readdirSync(system)) symlinkSync(join(system, file), join(at.hooks, file));
    const ours = options.library ?? hookLibrary;
    if (existsSync(ours)) symlinkSync(ours, join(at.hooks, 'libdhcp_etcd.so'));
    else if (options.hook !== false) throw new Error(`${ours} is not built: run make build`);
    const kea = new Kea(options, at, options.port ?? (port as number), clientPort as number);
    if (options.leases !== undefined) writeFileSync(at.csv, options.leases);
    kea.writeConfig(kea.config());
    return kea;
  }

  static async start(options: KeaOptions): Promise<Kea> {
    const kea = await Kea.create(options);
    await kea.start();
    return kea;
  }

  get family(): 4 | 6 {
    return this.options.family;
  }

  config(): JsonObject {
    return keaConfig(this.options, this.at, keaVersion());
  }

  get configFile(): string {
    return join(this.at.directory, 'kea.json');
  }

  writeConfig(config: JsonObject): void {
    writeFileSync(this.configFile, JSON.stringify(config, undefined, 1));
  }

  environment(): Record<string, string> {
    const { directory, hooks } = this.at;
    return {
      KEA_PIDFILE_DIR: directory,
      KEA_LOCKFILE_DIR: directory,
      KEA_DHCP_DATA_DIR: directory,
      KEA_CONTROL_SOCKET_DIR: directory,
      KEA_LOG_FILE_DIR: directory,
      KEA_HOOKS_PATH: hooks,
      ...this.options.env,
    };
  }

  /** Starts the process without waiting for it. */
  spawn(): Proc {
    const ports = ['-p', String(this.port), '-P', String(this.clientPort)];
    const server = serverProgram(this.family, this.at.directory);
    const words = [...(this.options.wrap ?? []), server, '-c', this.configFile, ...ports];
    this.proc = start({
      name: `kea-dhcp${this.family}`,
      command: words[0] as string,
      args: words.slice(1),
      directory: this.at.directory,
      env: this.environment(),
    });
    return this.proc;
  }

  /** Starts it; resolves when it answers clients. */
  async start(timeout = 15_000): Promise<void> {
    await this.spawn().waitFor(new RegExp(`DHCP${this.family}_STARTED`), { timeout });
  }

  async stop(): Promise<void> {
    await this.proc?.stop();
  }

  async kill(): Promise<void> {
    await this.proc?.kill();
  }

  /** One command over the control socket; the answer whatever its result code. */
  async ask(command: string, args?: Json, timeout = 20_000): Promise<Answer> {
    const request = JSON.stringify(args === undefined ? { command } : { command, arguments: args });
    const text = await exchange(this.at.socket, request, timeout);
    return JSON.parse(text) as Answer;
  }

  /** One command that has to succeed. */
  async command(command: string, args?: Json): Promise<JsonObject> {
    const answer = await this.ask(command, args);
    if (answer.result !== 0) throw new Error(`${command}: result ${answer.result}: ${answer.text}`);
    return answer.arguments ?? {};
  }

  /** Resolves when the control socket answers. */
  async commandable(timeout = 15_000): Promise<void> {
    const probe = () =>
      this.ask('version-get').then(
        () => true as const,
        () => undefined,
      );
    await until(`the control socket of kea-dhcp${this.family}`, probe, timeout);
  }
}

/** One request over a control socket; the answer as text. */
export function exchange(path: string, request: string, timeout: number): Promise<string> {
  return new Promise((done, fail) => {
    const socket = createConnection({ path, allowHalfOpen: true });
    const parts: Buffer[] = [];
    socket.setTimeout(timeout, () => socket.destroy(new Error(`no answer from ${path} in ${timeout} ms`)));
    socket.once('connect', () => socket.write(request));
    socket.on('data', (part) => parts.push(part));
    socket.once('end', () => {
      socket.end();
      done(Buffer.concat(parts).toString('utf8'));
    });
    socket.once('error', fail);
  });
}
