// SPDX-License-Identifier: MPL-2.0
// The control socket: HTTP/1.1 on a Unix domain socket, for the `nnoe` command. Actions are asked for here and
// not on the port of /metrics, so that neither the network nor a browser can reach them; who may is decided by
// the file's owner and group. Nothing a client does, or leaves undone, holds up the host.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { NnoeError } from '../errors.js';
import type { ControlHealth } from '../health.js';
import { type Logger, say } from '../log.js';
import type { Refusal } from './api.js';
import { type ControlLimits, usualLimits } from './limits.js';
import { faultOf, Refused } from './refusal.js';
import { type ControlTarget, Router } from './router.js';
import { identity, listenAt, release } from './socket.js';

export interface ControlOptions {
  /** Empty: none. */
  socket: string;
  target: ControlTarget;
  log: Logger;
  limits?: Partial<ControlLimits>;
}

export class ControlServer {
  readonly #options: ControlOptions;
  readonly #limits: ControlLimits;
  readonly #router: Router;
  #server: Server | undefined;
  #file = '';
  #trouble: NnoeError | undefined;
  #opening: Promise<void> | undefined;
  #closed = false;

  constructor(options: ControlOptions) {
    this.#options = options;
    this.#limits = { ...usualLimits, ...options.limits };
    this.#router = new Router(options.target, this.#limits);
  }

  /**
   * Whatever else keeps it from listening shows in health, and is tried again by `check`.
   * @throws NnoeError CONTROL_BUSY: another host answers there.
   */
  async open(): Promise<void> {
    if (this.#options.socket === '' || this.#closed) return;
    await this.#begin();
    if (this.#trouble?.code === 'CONTROL_BUSY') throw this.#trouble;
  }

  /** To be called every few seconds: listens again when the file was removed or could not be made. */
  check(): void {
    const { socket } = this.#options;
    if (socket === '' || this.#closed || this.#opening !== undefined) return;
    if (this.#server !== undefined && identity(socket) === this.#file) return;
    void this.#begin();
  }

  /** Kept, so that closing waits for it: what listens by then is closed. */
  #begin(): Promise<void> {
    this.#opening ??= this.#listen().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  health(): ControlHealth {
    const { socket } = this.#options;
    if (socket === '') return { state: 'ok', reason: 'none configured', socket };
    if (this.#trouble !== undefined) {
      const { code, message } = this.#trouble;
      return { state: 'failed', code, reason: message, socket };
    }
    return { state: this.#server === undefined ? 'starting' : 'ok', reason: '', socket };
  }

  /** Streams open now. */
  get streams(): number {
    return this.#router.streams;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening;
    this.#router.close();
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    release(this.#options.socket, this.#file);
    server.close();
    // What streams were told last is on its way; then nobody keeps the host.
    setImmediate(() => server.closeAllConnections());
  }

  async #listen(): Promise<void> {
    const { socket, log } = this.#options;
    this.#server?.close(); // its file is gone; connections that it has may finish
    this.#server = undefined;
    const server = this.#make();
    try {
      this.#file = await listenAt(server, socket);
      this.#server = server;
      this.#trouble = undefined;
      say(log, 'CONTROL_LISTENING', { socket });
    } catch (error) {
      this.#trouble = error as NnoeError;
    }
  }

  #make(): Server {
    const { headerBytes, requestMs, checkMs, connections } = this.#limits;
    const server = createServer({
      maxHeaderSize: headerBytes,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: checkMs,
      keepAliveTimeout: requestMs,
    });
    server.maxConnections = connections;
    server.on('request', (request, response) => void this.#answer(request, response));
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => refuseRaw(error, socket));
    server.on('error', () => undefined); // accepting failed; the next connection may succeed
    return server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined); // the client has gone
    try {
      await this.#router.answer(request, response);
    } catch (error) {
      refuse(response, error);
    }
  }
}

function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, headers } = error instanceof Refused ? error : { status: 500, headers: {} };
  const body: Refusal = { error: faultOf(error) };
  // Closed: what else the client sends on this connection is not read.
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers });
  response.end(`${JSON.stringify(body)}\n`);
}

const rawStatus: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** What came is not HTTP, too large or too slow. */
function refuseRaw(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = rawStatus[error.code ?? ''] ?? '400 Bad Request';
  const reason = `found ${status.slice(4).toLowerCase()} (${error.code ?? error.message}), expected HTTP/1.1`;
  const body: Refusal = { error: faultOf(new NnoeError('CONTROL_REQUEST', { reason })) };
  const text = `${JSON.stringify(body)}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
    () => socket.destroy(),
  );
}
