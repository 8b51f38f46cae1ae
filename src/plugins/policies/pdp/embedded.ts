// SPDX-License-Identifier: MPL-2.0
// The decision point that the host runs itself: Cerbos on a socket that nobody else can reach, with a directory of policies
// of its own. It is started again when it ends, ends with the host, and is given a set of policies as a whole: it goes
// over to it at once, or stays with the one it has.
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { GRPC } from '@cerbos/grpc';
import { spawnCerbos } from './binary.js';
import type { Decider } from './decider.js';
import { hasMark, mark, setOf, writePolicies } from './files.js';
import type { PolicyText } from './pdp.js';
import { scratch } from './scratch.js';
import { verify } from './verify.js';

// The socket lies in a directory of this user's own; the admin API asks for a password all the same. Cost 4, because
// it is computed for every call.
const credentials = { username: 'nnoe', password: 'nnoe-local' };
const passwordHash = 'JDJiJDA0JE5ub2VMb2NhbFNvY2tldE9ubHkuLi4vcmNpNFBzMmdwV1FzSHYxaUcvOXNhb3FLTUZYSFo2';

/** ms; a start takes some 300. */
const startTime = 20_000;
/** ms; a set of policies is compiled in 10 to 30. */
const usualTime = 100;
const loadTime = 10_000;
const firstPause = 100;
const longestPause = 10_000;

export interface EmbeddedEvents {
  /** It ended without being told to; `output` is the last of what it wrote. */
  ended(status: string, output: string): void;
  /** It answers again, with the last set it was given. */
  restarted(): void;
}

export class EmbeddedPdp implements Decider {
  readonly client: GRPC;
  private readonly sockets: string;
  private child: ChildProcess | undefined;
  private output = '';
  private ready: Promise<void>;
  private answering = false;
  private readonly stopping = new AbortController();

  /**
   * @param directory for its policies; made when it is not there
   * @param loaded the policies to begin with
   */
  constructor(
    private readonly directory: string,
    private readonly events: EmbeddedEvents,
    private loaded: readonly PolicyText[] = [],
  ) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    // Paths of sockets are at most 107 bytes, those of directories are not.
    this.sockets = scratch('pdp');
    this.client = new GRPC(this.place, { tls: false, adminCredentials: credentials });
    this.ready = this.supervise();
    // Whoever waits for it is told; nobody has to.
    this.ready.catch(() => undefined);
  }

  get place(): string {
    return `unix:${this.sockets}/grpc`;
  }
  get mark(): string {
    return setOf(this.loaded);
  }
  get isAnswering(): boolean {
    return this.answering;
  }
  /** The last of what it wrote. */
  get said(): string {
    return this.output.trim();
  }
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** Resolves when it answers. @throws Error when it does not within 20 s, or was stopped */
  async started(): Promise<void> {
    await this.ready;
  }

  /**
   * Goes over to these policies as a whole, or stays with those it has.
   * @returns undefined when it did; by id why policies are bad when it stays
   * @throws Error when it does neither within 10 s; what the transport throws
   */
  async load(
    policies: readonly PolicyText[],
    signal?: AbortSignal,
  ): Promise<Map<string, string> | undefined> {
    await this.ready;
    this.write(policies);
    const bad = await this.reload(policies, signal);
    if (!bad) this.loaded = [...policies];
    else this.write(this.loaded);
    return bad;
  }

  holds(policies: readonly PolicyText[], signal?: AbortSignal): Promise<boolean> {
    return hasMark(this.client, setOf(policies), signal);
  }

  private write(policies: readonly PolicyText[]): void {
    writePolicies(this.policies, policies, mark(setOf(policies)));
  }

  /**
   * Cerbos says "done" to a reload before it has compiled what it read, and does not say when that failed: the mark
   * of the set shows that it went over.
   */
  private async reload(
    policies: readonly PolicyText[],
    signal: AbortSignal | undefined,
  ): Promise<Map<string, string> | undefined> {
    let read = true;
    try {
      await this.client.reloadStore({ wait: true }, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      if (!this.answering) throw error;
      read = false;
    }
    const asked = performance.now();
    for (let verified = false; ; await wait(2)) {
      if (read && (await this.holds(policies, signal))) return undefined;
      const ms = performance.now() - asked;
      if (!verified && (!read || ms > usualTime)) {
        verified = true;
        const { bad } = await verify(policies, signal);
        if (bad.size > 0) return bad;
      }
      if (ms > loadTime) throw new Error(`Cerbos does not take policies that compile: ${this.said}`);
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.client.close();
    const child = this.child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((done) => child.once('close', done));
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
      await gone;
      clearTimeout(timer);
    }
    rmSync(this.sockets, { recursive: true, force: true });
  }

  private get policies(): string {
    return join(this.directory, 'policies');
  }

  private config(): string {
    const file = join(this.directory, 'cerbos.json');
    writeFileSync(
      file,
      JSON.stringify({
        server: {
          httpListenAddr: `unix:${this.sockets}/http`,
          grpcListenAddr: `unix:${this.sockets}/grpc`,
          udsFileMode: '0o600',
          metricsEnabled: false,
          adminAPI: { enabled: true, adminCredentials: { username: credentials.username, passwordHash } },
        },
        storage: { driver: 'disk', disk: { directory: this.policies, watchForChanges: false } },
        schema: { enforcement: 'reject' },
        telemetry: { disabled: true },
        audit: { enabled: false },
      }),
      { mode: 0o600 },
    );
    return file;
  }

  /** Starts it, and sees to the next start when it ends. Resolves when it answers. */
  private async supervise(): Promise<void> {
    this.write(this.loaded);
    this.output = '';
    const child = spawnCerbos(['server', `--config=${this.config()}`, '--log-level=warn']);
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-4000);
      });
    }
    const ended = new Promise<string>((done) => {
      child.once('error', (error) => done(error.message));
      child.once('close', (code, signal) => done(signal ?? `status ${code}`));
    });
    void ended.then((status) => this.again(status));
    const started = performance.now();
    for (;;) {
      this.stopping.signal.throwIfAborted();
      if (await this.answers()) break;
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`Cerbos does not start: ${this.output.trim()}`);
      if (performance.now() - started > startTime) {
        child.kill('SIGKILL');
        throw new Error(`Cerbos does not answer within ${startTime / 1000} s`);
      }
      await wait(10);
    }
    this.answering = true;
  }

  private async answers(): Promise<boolean> {
    try {
      await this.holds(this.loaded);
      return true;
    } catch {
      return false;
    }
  }

  private failures = 0;

  private async again(status: string): Promise<void> {
    if (this.stopping.signal.aborted) return;
    this.failures = this.answering ? 1 : this.failures + 1;
    // What was kept may be damaged; it is given what is good when it answers.
    if (!this.answering && this.failures > 1) this.loaded = [];
    this.answering = false;
    this.events.ended(status, this.output.trim());
    const pause = Math.min(longestPause, firstPause * 2 ** Math.min(this.failures - 1, 10));
    this.ready = wait(pause, undefined, { signal: this.stopping.signal }).then(() => this.supervise());
    try {
      await this.ready;
      this.events.restarted();
    } catch {
      // A start that failed ends the process, which brings us here again.
    }
  }
}
