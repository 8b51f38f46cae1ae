// SPDX-License-Identifier: MPL-2.0
// Servers under test: each writes its output to a file, dies with the test process (parent-death signal, so
// even when the test itself is killed), and is only ever signalled by its own pid.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { onCleanup } from './workspace.js';

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface StartOptions {
  /** For messages and the log file's name. */
  name: string;
  command: string;
  args: string[];
  /** Where it runs and where `<name>.log` goes; a restart appends to the same log. */
  directory: string;
  env?: Record<string, string>;
}

export interface WaitOptions {
  /** ms; default 15,000. */
  timeout?: number;
  /** Byte offset in the log to look from; default: where this process began to write. */
  from?: number;
}

export interface Proc {
  readonly name: string;
  readonly pid: number;
  readonly log: string;
  /** Undefined while it runs. */
  readonly exit: Exit | undefined;
  /** Resolves when it has ended; rejects when time (ms, default 60,000) is up. */
  ended(timeout?: number): Promise<Exit>;
  /** What it has written since it was started. */
  output(): string;
  /** Resolves with the first match in the log; rejects when it exits first or time is up. */
  waitFor(pattern: RegExp, options?: WaitOptions): Promise<RegExpExecArray>;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL after `deadline` ms; says whether the process went by itself. */
  stop(deadline?: number): Promise<Exit & { forced: boolean }>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<Exit>;
}

export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Polls `probe` until it returns something other than undefined or false. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  timeout = 15_000,
  every = 10,
): Promise<T> {
  const end = performance.now() + timeout;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`not within ${timeout} ms: ${what}`);
    await sleep(every);
  }
}

/** Whether something accepts TCP connections there. */
export const accepts = (port: number, host = '127.0.0.1'): Promise<true | undefined> =>
  new Promise((done) => {
    const socket = createConnection({ port, host });
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(undefined));
  });

/** Resolves when something accepts TCP connections there. */
export async function waitPort(port: number, timeout = 15_000, host = '127.0.0.1'): Promise<void> {
  await until(`a listener on ${host}:${port}`, () => accepts(port, host), timeout);
}

const running = new Set<Proc>();
const logs = new Map<string, string>();

onCleanup((failed) => {
  for (const proc of running) {
    try {
      process.kill(proc.pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  }
  if (failed) tellLast();
});

/** What each server said last, on standard error; then they are forgotten. */
export function tellLast(): void {
  for (const [log, name] of logs) {
    const lines = readFileSync(log, 'latin1').trimEnd().split('\n').slice(-4);
    process.stderr.write(`--- last of ${name} ---\n${lines.map((l) => l.slice(0, 200)).join('\n')}\n`);
  }
  logs.clear();
}

/** For callers that tell themselves what went wrong: logs are not shown at the end. */
export function tellNothing(): void {
  logs.clear();
}

function size(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

export function start(options: StartOptions): Proc {
  const log = join(options.directory, `${options.name}.log`);
  const from = size(log);
  const fd = openSync(log, 'a');
  // setpriv execs, so the pid is the server's own.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', options.command, ...options.args], {
    cwd: options.directory,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', fd, fd],
    // A group of its own: Ctrl-C is for us, and we stop the servers in order.
    detached: true,
  });
  closeSync(fd);
  if (child.pid === undefined) throw new Error(`cannot start ${options.command}: is util-linux installed?`);
  const proc = new Running(options.name, child.pid, log, from);
  logs.set(log, options.name);
  running.add(proc);
  child.once('exit', (code, signal) => {
    running.delete(proc);
    proc.exit = { code, signal };
  });
  // A server that a failed test left behind must not keep the test process from ending.
  child.unref();
  return proc;
}

class Running implements Proc {
  exit: Exit | undefined;

  constructor(
    readonly name: string,
    readonly pid: number,
    readonly log: string,
    private readonly from: number,
  ) {}

  async ended(timeout = 60_000): Promise<Exit> {
    return await until(`the end of ${this.name}`, () => this.exit, timeout, 5);
  }

  output(): string {
    return readFileSync(this.log).subarray(this.from).toString('latin1');
  }

  async waitFor(pattern: RegExp, { timeout = 15_000, from = this.from }: WaitOptions = {}) {
    const look = () => pattern.exec(readFileSync(this.log).subarray(from).toString('latin1')) ?? undefined;
    const probe = () => {
      const ended = this.exit;
      const found = look();
      if (!found && ended) throw new Error(`${this.name} ended (${JSON.stringify(ended)}) before ${pattern}`);
      return found;
    };
    return await until(`${pattern} in the log of ${this.name}`, probe, timeout, 20);
  }

  signal(signal: NodeJS.Signals): void {
    if (!this.exit) process.kill(this.pid, signal);
  }

  async stop(deadline = 10_000) {
    this.signal('SIGTERM');
    let forced = false;
    const timer = setTimeout(() => {
      forced = true;
      this.signal('SIGKILL');
    }, deadline);
    try {
      const exit = await this.ended(deadline + 5_000);
      return { ...exit, forced };
    } finally {
      clearTimeout(timer);
    }
  }

  async kill(): Promise<Exit> {
    this.signal('SIGKILL');
    return await this.ended();
  }
}

/** Whether a process with that id runs; one that only waits to be reaped does not. */
export function alive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

/** Runs a command to its end and returns its output; throws with what it said when it fails. */
export function run(
  command: string,
  args: string[],
  env: Record<string, string> = {},
  timeout = 60_000,
): string {
  const result = spawnSync(command, args, {
    env: { ...process.env, ...env },
    timeout,
    maxBuffer: 1 << 28,
    encoding: 'utf8',
  });
  if (result.error) throw result.error;
  if (result.status !== 0) {
    throw new Error(
      `${command} ${args.join(' ')}: status ${result.status}\n${result.stdout}${result.stderr}`,
    );
  }
  return result.stdout;
}
