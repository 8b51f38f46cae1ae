// SPDX-License-Identifier: MPL-2.0
// A real dnsdist on loopback ports of its own, with the bridge when its configuration says so. No console, no web
// server, no poll for security updates.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Server } from './dns.js';
import { tree } from './kea.js';
import { freePort } from './ports.js';
import { accepts, type Proc, run, start, until } from './process.js';
import { temporary } from './workspace.js';

export const bridgeDirectory = process.env.NNOE_DNSDIST_BRIDGE ?? join(tree, 'build/dnsdist-bridge');
export const bridgeLibrary = join(bridgeDirectory, 'libnnoe_dnsdist.so');

export interface BridgeOptions {
  directory: string;
  fail?: 'open' | 'closed';
  decisions?: string | false;
  sampling?: number;
  library?: string;
}

/** The line that an operator adds, with the library of the tree. */
export function bridgeLine({ fail = 'open', decisions = false, ...options }: BridgeOptions): string {
  const all = { library: bridgeLibrary, fail, decisions, ...options };
  const words = Object.entries(all).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return `dofile(${JSON.stringify(join(bridgeDirectory, 'nnoe.lua'))})({ ${words.join(', ')} })`;
}

export interface DnsdistOptions {
  /** Answers what is not answered before. */
  server: Server;
  /** Lines of Lua that follow the listeners and the server. */
  lua?: string[];
  /** Default a free one. */
  port?: number;
  /** Threads that listen; default 1. */
  threads?: number;
  /** Added to a configuration in YAML (dnsdist 2); then `lua` is what stands in the file beside it. */
  yaml?: string;
  /** Put before the command, such as ['taskset', '-c', '0']; it must exec. */
  wrap?: string[];
  /** ms until it listens; default 20,000. */
  timeout?: number;
}

let version: [number, number] | undefined;

/** Major and minor version of the installed dnsdist. */
export function dnsdistVersion(): [number, number] {
  const [, major, minor] = version ? [] : (/^dnsdist (\d+)\.(\d+)/.exec(run('dnsdist', ['--version'])) ?? []);
  version ??= [Number(major), Number(minor)];
  return version;
}

export class Dnsdist implements Server {
  readonly address = '127.0.0.1';

  private constructor(
    private readonly options: DnsdistOptions,
    readonly port: number,
    readonly configFile: string,
    readonly proc: Proc,
  ) {}

  static async start(options: DnsdistOptions): Promise<Dnsdist> {
    if (!existsSync(bridgeLibrary)) throw new Error(`${bridgeLibrary} is not built: run make build`);
    const port = options.port ?? (await freePort());
    const [configFile, directory] = writeConfig(options, port);
    const { wrap = [], timeout = 20_000 } = options;
    const [command, ...args] = [...wrap, 'dnsdist', '--supervised', '--disable-syslog', '-C', configFile];
    const proc = start({ name: 'dnsdist', command: command as string, args, directory });
    const dnsdist = new Dnsdist(options, port, configFile, proc);
    await until('dnsdist to listen', () => dnsdist.#listens(), timeout);
    return dnsdist;
  }

  /** The same server by its IPv6 address. */
  get v6(): Server {
    return { address: '::1', port: this.port };
  }

  /** Another one, configured alike, on the port of this one, which has ended. */
  again(): Promise<Dnsdist> {
    return Dnsdist.start({ ...this.options, port: this.port });
  }

  async stop(): Promise<void> {
    await this.proc.stop();
  }

  async kill(): Promise<void> {
    await this.proc.kill();
  }

  async #listens(): Promise<true | undefined> {
    if (this.proc.exit) throw new Error(`dnsdist ended:\n${this.proc.output()}`);
    return await accepts(this.port);
  }
}

/** The configuration's file, and its directory. */
function writeConfig(options: DnsdistOptions, port: number): [string, string] {
  const directory = temporary('dnsdist');
  const file = join(directory, options.yaml === undefined ? 'dnsdist.conf' : 'dnsdist.yml');
  if (options.yaml === undefined) writeFileSync(file, luaConfig(options, port));
  else {
    writeFileSync(file, yamlConfig(options, port));
    if (options.lua) writeFileSync(join(directory, 'dnsdist.lua'), `${options.lua.join('\n')}\n`);
  }
  return [file, directory];
}

function luaConfig({ server, lua = [], threads = 1 }: DnsdistOptions, port: number): string {
  const listeners = Array.from(
    { length: threads },
    (_, i) => `${i === 0 ? 'setLocal' : 'addLocal'}("127.0.0.1:${port}", { reusePort = true })`,
  );
  const lines = [
    ...listeners,
    `addLocal("[::1]:${port}")`,
    'setACL({ "0.0.0.0/0", "::/0" })',
    'setSecurityPollSuffix("")',
    `newServer({ address = "${server.address}:${server.port}" }):setUp()`,
    ...lua,
  ];
  return `${lines.join('\n')}\n`;
}

const yamlConfig = ({ server, yaml, threads = 1 }: DnsdistOptions, port: number): string =>
  `binds:
  - listen_address: "127.0.0.1:${port}"
    protocol: "Do53"
    reuseport: true
    threads: ${threads}
  - listen_address: "[::1]:${port}"
    protocol: "Do53"
backends:
  - address: "${server.address}:${server.port}"
    protocol: "Do53"
    health_checks:
      mode: "up"
security_polling:
  suffix: ""
acl: [ "0.0.0.0/0", "::/0" ]
${yaml}`;

export interface Checked {
  status: number | null;
  output: string;
}

/** What `dnsdist --check-config` says of these lines of Lua. */
export function checkConfig(lua: string[], yaml?: string): Checked {
  const server = { address: '127.0.0.1', port: 9 };
  const [file] = writeConfig({ server, lua, ...(yaml !== undefined && { yaml }) }, 5300);
  const result = spawnSync('dnsdist', ['--check-config', '-C', file], { encoding: 'utf8', timeout: 20_000 });
  // dnsdist 2 logs fields in quotes, and escapes those inside.
  const output = (result.stdout + result.stderr).replaceAll('\\"', '"');
  return { status: result.status, output };
}
