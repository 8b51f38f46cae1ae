// SPDX-License-Identifier: MPL-2.0
// The header of PROXY protocol version 2, as a load balancer writes it in front of a query.
import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

const signature = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]);
const ports = { source: 40_000, destination: 53 };

/** Both addresses are of one family. */
export function proxyHeader(
  { source, destination }: { source: string; destination: string },
  transport: 'udp' | 'tcp',
): Buffer {
  const addresses = [source, destination].map((text) => Buffer.from(ipaddr.parse(text).toByteArray()));
  const numbers = Buffer.alloc(4);
  numbers.writeUInt16BE(ports.source, 0);
  numbers.writeUInt16BE(ports.destination, 2);
  const body = Buffer.concat([...addresses, numbers]);
  const family = (isIPv6(source) ? 0x20 : 0x10) | (transport === 'tcp' ? 1 : 2);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(body.length);
  return Buffer.concat([signature, Buffer.from([0x21, family]), length, body]);
}
