// SPDX-License-Identifier: MPL-2.0
// A DHCPv4 client behind a relay, for packets that perfdhcp does not send: declines, odd options, odd lengths.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Kea } from './kea.js';

export const Type4 = { discover: 1, offer: 2, request: 3, decline: 4, ack: 5, nak: 6, release: 7 } as const;

export interface Client4 {
  /** Up to 16 bytes; none at all when empty. */
  hwaddr: Buffer;
  /** Option 61. */
  clientId?: Buffer;
  /** Option 12, as bytes. */
  hostname?: Buffer;
}

export interface Reply4 {
  type: number;
  address: string;
  serverId: Buffer;
  options: Map<number, Buffer>;
}

const octets = (address: string): Buffer => Buffer.from(address.split('.').map(Number));
const dotted = (bytes: Buffer): string => [...bytes].join('.');

/** One socket at the port to which Kea sends its answers. */
export class Relay4 {
  private transaction = 1;

  private constructor(
    private readonly kea: Kea,
    private readonly socket: Socket,
  ) {}

  static async open(kea: Kea): Promise<Relay4> {
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    socket.bind(kea.clientPort, '127.0.0.1');
    await once(socket, 'listening');
    // A test that failed before it closed this must not keep its process alive.
    socket.unref();
    return new Relay4(kea, socket);
  }

  close(): void {
    this.socket.close();
  }

  /** Sends one message; resolves with its answer, or undefined after `timeout` ms. */
  async send(
    type: number,
    client: Client4,
    fields: { ciaddr?: string; options?: [number, Buffer][] } = {},
    timeout = 2_000,
  ): Promise<Reply4 | undefined> {
    const xid = this.transaction++;
    const message = encode(type, xid, client, fields);
    return await new Promise((done) => {
      const finish = (reply?: Reply4) => {
        clearTimeout(timer);
        this.socket.off('message', receive);
        done(reply);
      };
      const receive = (data: Buffer) => {
        if (data.readUInt32BE(4) === xid) finish(decode(data));
      };
      const timer = setTimeout(finish, timeout);
      this.socket.on('message', receive);
      this.socket.send(message, this.kea.port, '127.0.0.1');
    });
  }

  /** The whole exchange; the acknowledged address. */
  async assign(client: Client4, timeout = 2_000): Promise<Reply4> {
    const offer = await this.send(Type4.discover, client, {}, timeout);
    if (!offer) throw new Error('no offer');
    const ack = await this.send(Type4.request, client, {
      options: [
        [50, octets(offer.address)],
        [54, offer.serverId],
      ],
    });
    if (ack?.type !== Type4.ack) throw new Error(`no acknowledgement: ${ack?.type}`);
    return ack;
  }

  async renew(client: Client4, lease: Reply4): Promise<Reply4 | undefined> {
    return await this.send(Type4.request, client, { ciaddr: lease.address });
  }

  /** Neither has an answer. */
  async release(client: Client4, lease: Reply4): Promise<void> {
    await this.send(Type4.release, client, { ciaddr: lease.address, options: [[54, lease.serverId]] }, 50);
  }

  async decline(client: Client4, lease: Reply4): Promise<void> {
    const options: [number, Buffer][] = [
      [50, octets(lease.address)],
      [54, lease.serverId],
    ];
    await this.send(Type4.decline, client, { options }, 50);
  }
}

function encode(
  type: number,
  xid: number,
  client: Client4,
  fields: { ciaddr?: string; options?: [number, Buffer][] },
): Buffer {
  const head = Buffer.alloc(240);
  head[0] = 1;
  head[1] = client.hwaddr.length === 0 ? 0 : 1;
  head[2] = client.hwaddr.length;
  head[3] = 1; // One relay on the way.
  head.writeUInt32BE(xid, 4);
  if (fields.ciaddr) octets(fields.ciaddr).copy(head, 12);
  octets('127.0.0.1').copy(head, 24);
  client.hwaddr.copy(head, 28, 0, 16);
  head.writeUInt32BE(0x63825363, 236);
  const options: [number, Buffer][] = [[53, Buffer.from([type])], ...(fields.options ?? [])];
  if (client.clientId) options.push([61, client.clientId]);
  if (client.hostname) options.push([12, client.hostname]);
  const parts = options.map(([code, data]) => Buffer.concat([Buffer.from([code, data.length]), data]));
  return Buffer.concat([head, ...parts, Buffer.from([255])]);
}

function decode(data: Buffer): Reply4 {
  const options = new Map<number, Buffer>();
  for (let at = 240; at < data.length && data[at] !== 255; ) {
    if (data[at] === 0) {
      at++;
      continue;
    }
    const length = data[at + 1] ?? 0;
    options.set(data[at] as number, data.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return {
    type: options.get(53)?.[0] ?? 0,
    address: dotted(data.subarray(16, 20)),
    serverId: options.get(54) ?? Buffer.alloc(4),
    options,
  };
}
