// SPDX-License-Identifier: MPL-2.0
// Ports below the kernel's ephemeral range, so that no outgoing connection takes one while its server is
// down between a kill and its restart.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const handedOut = new Set<number>();

function tcpFree(port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}

function udpFree(port: number, type: 'udp4' | 'udp6'): Promise<boolean> {
  return new Promise((done) => {
    const socket = createSocket({ type, ipv6Only: type === 'udp6' });
    socket.once('error', () => done(false));
    socket.bind(port, () => socket.close(() => done(true)));
  });
}

/** `count` different ports, free for TCP and UDP on loopback, never handed out twice by this process. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = 10_000 + Math.floor(Math.random() * 22_000);
    if (handedOut.has(port)) continue;
    if (!((await tcpFree(port)) && (await udpFree(port, 'udp4')) && (await udpFree(port, 'udp6')))) continue;
    handedOut.add(port);
    ports.push(port);
  }
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}

/** This port when it is free, else another: for servers that people are to find again. */
export async function preferredPort(port: number): Promise<number> {
  const free = (await tcpFree(port)) && (await udpFree(port, 'udp4')) && (await udpFree(port, 'udp6'));
  if (!free || handedOut.has(port)) return freePort();
  handedOut.add(port);
  return port;
}
