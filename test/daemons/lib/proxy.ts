// SPDX-License-Identifier: MPL-2.0
// A TCP proxy that does to connections what a bad network does. Orders given to the proxy hold for all of them;
// beyond that each connection may have a fate of its own, drawn when it is made.
import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './ports.js';

/** `up`: requests, from client to server; `down`: answers. */
export type Direction = 'up' | 'down';

export interface Fate {
  /** It ends in the middle of an answer, when so many bytes of answers have passed. */
  cut?: { after: number; how: 'rst' | 'fin' };
  /** From that byte on nothing passes for `ms`; Infinity: until somebody ends the connection. */
  stall?: { direction: Direction; after: number; ms: number };
  /** Before each piece, both ways, ms. */
  delay?: number;
  /** Bytes of answers a second. */
  rate?: number;
}

type Mode = 'pass' | 'lose-answer' | 'refuse' | 'mute';

export class TcpProxy {
  #mode: Mode = 'pass';
  readonly #connections = new Set<Connection>();
  readonly #server: Server;
  /** Drawn for each new connection. */
  fate: (() => Fate) | undefined;
  /** Sees every piece of a request before it is passed on; true: the answer is lost and the connection cut. */
  request: ((bytes: Buffer) => boolean) | undefined;
  /** Connections broken so far, by orders and by fate. */
  broken = 0;
  /** Connections refused so far. */
  refused = 0;
  /** Connections made so far. */
  made = 0;
  /** Resolved while nothing is held back. */
  #held: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly port: number,
    private readonly target: number,
  ) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
    this.#server.unref();
  }

  static async open(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(await freePort(), target);
    proxy.#server.listen(proxy.port, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get mode(): Mode {
    return this.#mode;
  }

  /** Connections that stand. */
  get standing(): number {
    return this.#connections.size;
  }

  /** Lets everything through again. */
  pass(): void {
    this.#mode = 'pass';
  }

  /** Breaks every connection now and refuses new ones. */
  refuse(): void {
    this.#mode = 'refuse';
    this.breakAll();
  }

  /** From now on requests arrive, but their answers do not: the connection breaks instead. */
  loseAnswers(): void {
    this.#mode = 'lose-answer';
  }

  /** Connections stay open, but answers do not arrive. */
  mute(): void {
    this.#mode = 'mute';
  }

  breakAll(how: 'rst' | 'fin' = 'fin'): void {
    for (const connection of this.#connections) connection.end(how);
  }

  /** Connections that stand now pass nothing on any more, and do not end. */
  strand(): void {
    for (const connection of this.#connections) connection.stranded = true;
  }

  /** Holds everything back, both ways, for `ms`; connections stay. */
  hold(ms: number): void {
    this.#held = Promise.all([this.#held, wait(ms, undefined, { ref: false })]);
  }

  close(): void {
    this.#server.close();
    this.breakAll();
  }

  #accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#mode === 'refuse') {
      this.refused++;
      client.resetAndDestroy();
      return;
    }
    this.made++;
    const upstream = createConnection({ port: this.target, host: '127.0.0.1', allowHalfOpen: true });
    const connection = new Connection(client, upstream, this.fate?.() ?? {}, {
      before: (direction, bytes) => this.#before(connection, direction, bytes),
      ended: (cut) => {
        if (this.#connections.delete(connection) && cut) this.broken++;
      },
    });
    this.#connections.add(connection);
  }

  /** Resolves with whether the piece is passed on. */
  async #before(connection: Connection, direction: Direction, bytes: Buffer): Promise<boolean> {
    await this.#held;
    if (connection.stranded) return false;
    if (direction === 'up') {
      if (this.request?.(bytes) !== true) return true;
      connection.deaf = true;
      // The server gets it; its answer does not come back.
      setTimeout(() => connection.end('fin'), 20);
      return true;
    }
    if (connection.deaf || this.#mode === 'mute') return false;
    // HTTP/2 housekeeping comes in small frames; what is larger answers a request.
    if (this.#mode === 'lose-answer' && bytes.length > 40) {
      connection.end('fin');
      return false;
    }
    return true;
  }
}

interface Orders {
  before(direction: Direction, bytes: Buffer): Promise<boolean>;
  /** @param cut by the proxy, not by an end of the connection. */
  ended(cut: boolean): void;
}

/** How often a throttled connection passes something on, ms. */
const slice = 20;

class Connection {
  /** Answers are dropped. */
  deaf = false;
  /** Nothing is passed on, either way. */
  stranded = false;
  readonly #passed: Record<Direction, number> = { up: 0, down: 0 };
  readonly #over = new AbortController();

  constructor(
    private readonly client: Socket,
    private readonly upstream: Socket,
    private readonly fate: Fate,
    private readonly orders: Orders,
  ) {
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.#finish(false));
      socket.on('close', () => this.#finish(false));
    }
    void this.#pump('up', client, upstream);
    void this.#pump('down', upstream, client);
  }

  end(how: 'rst' | 'fin'): void {
    if (this.#over.signal.aborted) return;
    if (how === 'rst') this.client.resetAndDestroy();
    else this.client.end(() => this.client.destroy());
    this.#finish(true);
  }

  #finish(cut: boolean): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.orders.ended(cut);
    this.upstream.destroy();
    if (!cut) this.client.destroy();
  }

  async #pump(direction: Direction, from: Socket, to: Socket): Promise<void> {
    try {
      for await (const bytes of from) await this.#carry(direction, bytes as Buffer, to);
      to.end();
    } catch {
      this.#finish(false);
    }
  }

  /** @throws when the connection ends meanwhile. */
  async #carry(direction: Direction, bytes: Buffer, to: Socket): Promise<void> {
    const { cut, stall, delay, rate } = this.fate;
    const { signal } = this.#over;
    if (delay !== undefined) await wait(delay, undefined, { signal, ref: false });
    if (stall?.direction === direction && this.#passed[direction] + bytes.length > stall.after) {
      delete this.fate.stall;
      // The longest that a timer takes is 24 days; that is for ever here.
      await wait(Math.min(stall.ms, 2 ** 31 - 1), undefined, { signal, ref: false });
    }
    if (!(await this.orders.before(direction, bytes))) return;
    const left = direction === 'down' && cut !== undefined ? cut.after - this.#passed.down : Infinity;
    const piece = bytes.length > left ? bytes.subarray(0, Math.max(0, left)) : bytes;
    const step = direction === 'down' && rate !== undefined ? Math.ceil((rate * slice) / 1000) : piece.length;
    for (let at = 0; at < piece.length; at += step) {
      if (!to.write(piece.subarray(at, at + step))) await once(to, 'drain', { signal });
      if (step < piece.length) await wait(slice, undefined, { signal, ref: false });
    }
    this.#passed[direction] += piece.length;
    if (cut !== undefined && bytes.length > left) this.end(cut.how);
  }
}
