// SPDX-License-Identifier: MPL-2.0
// /health (JSON, 200 when all is well or degraded, else 503) and /metrics, on a loopback address by default.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { NnoeError, reasonOf } from './errors.js';
import type { HealthReport } from './health.js';

export interface HttpOptions {
  /** `address:port`; IPv6 addresses in brackets. */
  listen: string;
  registry: Registry;
  health: () => HealthReport;
}

export interface HttpServer {
  /** As it came to be: the port when 0 was asked for. */
  address: string;
  close(): void;
}

/** @throws NnoeError HTTP_LISTEN. */
export async function serveHttp(options: HttpOptions): Promise<HttpServer> {
  const { listen } = options;
  const colon = listen.lastIndexOf(':');
  const host = listen.slice(0, colon).replace(/^\[|\]$/g, '');
  const server = createServer((request, response) => void answer(request, response, options));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new NnoeError('HTTP_LISTEN', { address: listen, reason: reasonOf(error) }, error)),
    );
    server.listen(Number(listen.slice(colon + 1)), host, resolve);
  });
  return { address: addressOf(server), close: () => close(server) };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpOptions,
): Promise<void> {
  const send = (status: number, type: string, body: string) => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  try {
    if (request.method !== 'GET' && request.method !== 'HEAD') send(405, 'text/plain', 'GET only\n');
    else if (request.url === '/health') {
      const health = options.health();
      const well = health.state === 'ok' || health.state === 'degraded';
      send(well ? 200 : 503, 'application/json', `${JSON.stringify(health)}\n`);
    } else if (request.url === '/metrics')
      send(200, options.registry.contentType, await options.registry.metrics());
    else send(404, 'text/plain', 'there is /health and /metrics\n');
  } catch (error) {
    send(500, 'text/plain', `${reasonOf(error)}\n`);
  }
}

function addressOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}
