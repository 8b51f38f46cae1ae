// SPDX-License-Identifier: MPL-2.0
// A TCP proxy that breaks connections at the worst moment.
import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { freePort } from './ports.js';

type Mode = 'pass' | 'lose-answer' | 'refuse';

export class TcpProxy {
  private mode: Mode = 'pass';
  private readonly sockets = new Set<Socket>();
  /** Connections broken so far. */
  broken = 0;

  private constructor(
    readonly port: number,
    private readonly target: number,
    private readonly server: Server,
  ) {
    server.on('connection', (client) => this.accept(client));
  }

  static async open(target: number): Promise<TcpProxy> {
    const port = await freePort();
    const server = createServer();
    const proxy = new TcpProxy(port, target, server);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.unref();
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Lets everything through again. */
  pass(): void {
    this.mode = 'pass';
  }

  /** Breaks every connection now and refuses new ones. */
  refuse(): void {
    this.mode = 'refuse';
    this.breakAll();
  }

  /** From now on requests arrive, but their answers do not: the connection breaks instead. */
  loseAnswers(): void {
    this.mode = 'lose-answer';
  }

  breakAll(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.breakAll();
    this.server.close();
  }

  private accept(client: Socket): void {
    if (this.mode === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    const upstream = createConnection({ port: this.target, host: '127.0.0.1' });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.sockets.add(from);
      from.on('error', () => from.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
    }
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => this.answer(client, data));
  }

  private answer(client: Socket, data: Buffer): void {
    // HTTP/2 housekeeping comes in small frames; what is larger answers a request.
    if (this.mode === 'lose-answer' && data.length > 40) {
      this.broken++;
      client.destroy();
      return;
    }
    client.write(data);
  }
}
