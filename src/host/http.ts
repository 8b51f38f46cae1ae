// SPDX-License-Identifier: MPL-2.0
// /health, /ready and /metrics, on a loopback address by default. What asks may be anybody who reaches the port:
// requests are small, quick and few at a time, or they are refused; nothing that arrives throws.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { NnoeError, reasonOf } from './errors.js';
import type { HealthReport } from './health.js';
import type { Readiness } from './readiness.js';

const limits = {
  /** Bytes of a request's line and headers. */
  maxHeaderSize: 8 * 1024,
  /** ms for the headers, for a whole request, and between two requests of a connection. */
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  /** ms between looks for connections that exceed them. */
  connectionsCheckingInterval: 2_000,
} as const;
/** Connections at a time; more are closed at once. */
const mostConnections = 64;

export interface HttpOptions {
  /** `address:port`; IPv6 addresses in brackets. */
  listen: string;
  health(): HealthReport;
  readiness(): Readiness;
  /** A scrape, and its content type. */
  metrics(): Promise<{ type: string; text: string }>;
}

export interface HttpServer {
  /** As it came to be: the port when 0 was asked for. */
  address: string;
  close(): void;
}

interface Answer {
  status: number;
  type: string;
  body: string;
  headers?: Record<string, string>;
}

/** @throws NnoeError HTTP_LISTEN. */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { listen } = options;
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  const server = createServer(limits, (request, response) => void serve(request, response, options));
  server.maxConnections = mostConnections;
  server.on('clientError', refuse);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new NnoeError('HTTP_LISTEN', { address: listen, reason: reasonOf(error) }, error)),
    );
    server.listen(Number(listen.slice(colon + 1)), host, resolve);
  });
  // Such as no file descriptor left for a connection: whoever asked asks again.
  server.on('error', () => undefined);
  return { address: addressOf(server), close: () => close(server) };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpOptions,
): Promise<void> {
  response.on('error', () => undefined);
  const { status, type, body, headers } = await answerTo(request, options).catch(
    (error): Answer => text(500, reasonOf(error)),
  );
  const length = Buffer.byteLength(body);
  // A body that nobody asked for is not read to its end.
  const close = hasBody(request) ? { connection: 'close' } : {};
  response.writeHead(status, {
    ...{ 'content-type': type, 'content-length': length, 'cache-control': 'no-store' },
    ...headers,
    ...close,
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function answerTo(request: IncomingMessage, options: HttpOptions): Promise<Answer> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const make = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (make === undefined) return text(404, `there is ${Object.keys(pages).join(', ')}`);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { ...text(405, `${path} can be read (GET, HEAD), nothing else`), headers: { allow: 'GET, HEAD' } };
  return make(options);
}

const pages: Record<string, (options: HttpOptions) => Answer | Promise<Answer>> = {
  '/health'({ health }) {
    const report = health();
    return json(report.state === 'ok' || report.state === 'degraded' ? 200 : 503, report);
  },
  '/ready'({ readiness }) {
    const report = readiness();
    return json(report.ready ? 200 : 503, report);
  },
  async '/metrics'({ metrics }) {
    const { type, text: body } = await metrics();
    return { status: 200, type, body };
  },
};

const text = (status: number, body: string): Answer => ({
  ...{ status, body: `${body}\n` },
  type: 'text/plain; charset=utf-8',
});
const json = (status: number, body: unknown): Answer => ({
  ...{ status, body: `${JSON.stringify(body)}\n` },
  type: 'application/json',
});

const hasBody = ({ headers }: IncomingMessage) =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

/** What is no request: answered in words when it can be, and closed. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  const [status, words] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? ['431 Request Header Fields Too Large', `headers of more than ${limits.maxHeaderSize} bytes`]
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? ['408 Request Timeout', 'the request did not come in time']
        : ['400 Bad Request', 'this is not an HTTP request'];
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const head = `HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\nconnection: close\r\n`;
  socket.end(`${head}content-length: ${words.length + 1}\r\n\r\n${words}\n`);
}

function addressOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}
