// SPDX-License-Identifier: MPL-2.0
// Where bridges ask about queries that no program decides: a socket in the directory of decisions, which dnsdist's user
// may open and nobody else. Whatever a bridge sends or leaves, the host goes on, and so do the other bridges.
import { existsSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { identity, listenAt, release } from '../control/socket.js';
import { NnoeError, reasonOf } from '../errors.js';
import { rulingWire } from '../gen/program.js';
import { type Logger, say, sayError } from '../log.js';
import type { PolicyQuestion, PolicyRuling } from '../plugin/tables.js';
import { type AskedQuestion, rulingFrame, takeQuestions } from './wire.js';

/** Processes of dnsdist on one machine; further ones are not heard. */
const mostConnections = 32;
/** Answers that a bridge has not taken, bytes: it is cut then. */
const mostUntaken = 4 * rulingWire.maxOutstanding * rulingWire.rulingBytes;
/** ms; the directory is made by whoever reads decisions. */
const lookEvery = 1000;
/** ms; for a question more than may be outstanding. */
const crowded = 200;

export interface RulingsObserver {
  /** @param outcome 'answered' or 'put-off'. */
  question(outcome: string): void;
  /** A bridge did not ask so many. */
  dropped(questions: number): void;
  connected(bridges: number): void;
}

export interface RulingsOptions {
  /** Of decisions. */
  directory: string;
  /** Whether a plugin publishes programs; otherwise nothing is opened. */
  wanted: boolean;
  log: Logger;
  rule(question: PolicyQuestion): Promise<PolicyRuling>;
  observer?: RulingsObserver;
}

export class RulingsServer {
  readonly #options: RulingsOptions;
  readonly #path: string;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #file = '';
  #timer: NodeJS.Timeout | undefined;
  #opening: Promise<void> | undefined;
  #trouble: NnoeError | undefined;
  #closed = false;

  constructor(options: RulingsOptions) {
    this.#options = options;
    this.#path = join(options.directory, rulingWire.socket);
  }

  start(): void {
    if (!this.#options.wanted) return;
    this.#look();
    this.#timer = setInterval(() => this.#look(), lookEvery).unref();
  }

  /** Why bridges cannot ask. */
  trouble(): NnoeError | undefined {
    return this.#trouble;
  }

  /** Bridges that are connected. */
  get bridges(): number {
    return this.#sockets.size;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#opening;
    if (this.#server !== undefined) release(this.#path, this.#file);
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Listens when the directory is there, and again when the file was removed. */
  #look(): void {
    if (this.#closed || this.#opening !== undefined || !existsSync(this.#options.directory)) return;
    if (this.#server !== undefined && identity(this.#path) === this.#file) return;
    this.#opening = this.#listen().finally(() => {
      this.#opening = undefined;
    });
  }

  async #listen(): Promise<void> {
    const { log } = this.#options;
    this.#server?.close();
    this.#server = undefined;
    const server = createServer((socket) => this.#serve(socket));
    server.maxConnections = mostConnections;
    server.on('error', () => undefined); // accepting failed; the next connection may succeed
    try {
      this.#file = await listenAt(server, this.#path);
      this.#server = server;
      this.#trouble = undefined;
      say(log, 'RULINGS_LISTENING', { socket: this.#path });
    } catch (error) {
      const trouble = new NnoeError('RULINGS_SOCKET', { socket: this.#path, reason: reasonOf(error) }, error);
      if (trouble.message !== this.#trouble?.message) sayError(log, trouble);
      this.#trouble = trouble;
    }
  }

  #serve(socket: Socket): void {
    const { observer, log } = this.#options;
    this.#sockets.add(socket);
    observer?.connected(this.#sockets.size);
    let held: Buffer = Buffer.alloc(0);
    const outstanding = { count: 0 };
    socket.on('error', () => undefined); // `close` follows
    socket.on('close', () => {
      this.#sockets.delete(socket);
      observer?.connected(this.#sockets.size);
    });
    socket.on('data', (bytes: Buffer) => {
      try {
        const { asked, rest } = takeQuestions(held.length === 0 ? bytes : Buffer.concat([held, bytes]));
        held = rest;
        for (const each of asked) void this.#answer(socket, each, outstanding);
      } catch (error) {
        say(log, 'RULINGS_CUT', { reason: reasonOf(error) });
        socket.destroy();
      }
    });
  }

  async #answer(socket: Socket, asked: AskedQuestion, outstanding: { count: number }): Promise<void> {
    const { observer, rule } = this.#options;
    if (asked.dropped > 0) observer?.dropped(asked.dropped);
    let ruling: PolicyRuling = { again: crowded };
    if (outstanding.count < rulingWire.maxOutstanding) {
      outstanding.count++;
      ruling = await rule(asked.question).catch(() => ({ again: crowded }));
      outstanding.count--;
    }
    observer?.question('again' in ruling ? 'put-off' : 'answered');
    if (socket.destroyed) return;
    socket.write(rulingFrame(asked.number, ruling));
    if (socket.writableLength > mostUntaken) socket.destroy();
  }
}
