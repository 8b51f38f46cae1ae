// SPDX-License-Identifier: MPL-2.0
// Where a command writes, and what it knows of the terminal there.
import { once } from 'node:events';
import picocolors from 'picocolors';
import { exitStatus } from './exit-status.js';

export type Paint = ReturnType<typeof picocolors.createColors>;

type Stream = NodeJS.WritableStream & { isTTY?: boolean; columns?: number };

/** Narrower terminals are written to as if they had this many columns. */
const leastColumns = 40;

export class Out {
  readonly terminal: boolean;
  #paint: Paint;
  readonly #stream: Stream;

  constructor(stream: Stream, env: NodeJS.ProcessEnv) {
    this.#stream = stream;
    this.terminal = stream.isTTY === true;
    this.#paint = picocolors.createColors(coloured(this.terminal, env));
  }

  get paint(): Paint {
    return this.#paint;
  }

  /** Undefined where lines may be of any length. */
  get columns(): number | undefined {
    return this.terminal ? Math.max(leastColumns, this.#stream.columns ?? 80) : undefined;
  }

  plain(): void {
    this.#paint = picocolors.createColors(false);
  }

  /** Resolves when there is room for more. */
  async write(text: string): Promise<void> {
    if (!this.#stream.write(text)) await once(this.#stream, 'drain');
  }

  line(text = ''): Promise<void> {
    return this.write(`${text}\n`);
  }

  json(value: unknown): Promise<void> {
    return this.write(`${JSON.stringify(value)}\n`);
  }
}

/** FORCE_COLOR wins over NO_COLOR, as in Node.js. */
function coloured(terminal: boolean, env: NodeJS.ProcessEnv): boolean {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: term } = env;
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  return terminal && (no === undefined || no === '') && term !== 'dumb';
}

export interface Io {
  out: Out;
  err: Out;
  env: NodeJS.ProcessEnv;
  /** What the process will end with. */
  status: number;
  /** Wall clock, ms since 1970. */
  now(): number;
  /** From now on Ctrl-C aborts this instead of ending the process at once. */
  interruptible(): AbortSignal;
}

export function processIo(): Io {
  const { env, stdout, stderr } = process;
  for (const stream of [stdout, stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // Whoever read us, such as `head`, has seen enough.
      if (error.code === 'EPIPE') process.exit(exitStatus.ok);
      throw error;
    });
  const interrupted = new AbortController();
  let listening = false;
  return {
    out: new Out(stdout, env),
    err: new Out(stderr, env),
    env,
    status: exitStatus.ok,
    now: () => Date.now(),
    interruptible() {
      if (!listening)
        process.on('SIGINT', () => {
          if (interrupted.signal.aborted) process.exit(exitStatus.interrupted);
          interrupted.abort();
        });
      listening = true;
      return interrupted.signal;
    },
  };
}
