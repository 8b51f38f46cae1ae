// SPDX-License-Identifier: MPL-2.0
// A DHCPv6 client behind a relay, for what perfdhcp does not send: rebinds, declines, several IAs at once.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Kea } from './kea.js';

export const Type6 = {
  solicit: 1,
  advertise: 2,
  request: 3,
  renew: 5,
  rebind: 6,
  reply: 7,
  release: 8,
  decline: 9,
} as const;

export interface Client6 {
  duid: Buffer;
  /** IAIDs of addresses and of delegated prefixes to ask for. */
  na?: number[];
  pd?: number[];
  /** Option 39, the name as text; encoded as one or more labels. */
  fqdn?: string;
}

/** The options of a message, nested ones undecoded. */
type Options = [code: number, data: Buffer][];

export interface Reply6 {
  type: number;
  options: Options;
  addresses: string[];
  prefixes: string[];
}

const loopback = Buffer.from('00000000000000000000000000000001', 'hex');

function option(code: number, data: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(code, 0);
  head.writeUInt16BE(data.length, 2);
  return Buffer.concat([head, data]);
}

function parse(data: Buffer): Options {
  const options: Options = [];
  for (let at = 0; at + 4 <= data.length; ) {
    const length = data.readUInt16BE(at + 2);
    options.push([data.readUInt16BE(at), data.subarray(at + 4, at + 4 + length)]);
    at += 4 + length;
  }
  return options;
}

function colons(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

export class Relay6 {
  private transaction = 1;

  private constructor(
    private readonly kea: Kea,
    private readonly socket: Socket,
  ) {}

  static async open(kea: Kea): Promise<Relay6> {
    const socket = createSocket({ type: 'udp6', reuseAddr: true });
    socket.bind(kea.clientPort, '::1');
    await once(socket, 'listening');
    // A test that failed before it closed this must not keep its process alive.
    socket.unref();
    return new Relay6(kea, socket);
  }

  close(): void {
    this.socket.close();
  }

  /** @param leases the reply whose leases the IAs carry; none for a solicit. */
  async send(type: number, client: Client6, leases?: Reply6, timeout = 2_000): Promise<Reply6 | undefined> {
    const xid = this.transaction++;
    const inner = encode(type, xid, client, leases);
    const relay = Buffer.concat([Buffer.from([12, 0]), loopback, loopback, option(9, inner)]);
    return await new Promise((done) => {
      const finish = (reply?: Reply6) => {
        clearTimeout(timer);
        this.socket.off('message', receive);
        done(reply);
      };
      const receive = (data: Buffer) => {
        const message = parse(data.subarray(34)).find(([code]) => code === 9)?.[1];
        if (message && message.readUIntBE(1, 3) === xid) finish(decode(message));
      };
      const timer = setTimeout(finish, timeout);
      this.socket.on('message', receive);
      this.socket.send(relay, this.kea.port, '::1');
    });
  }

  async assign(client: Client6): Promise<Reply6> {
    const advertise = await this.send(Type6.solicit, client);
    if (!advertise) throw new Error('no advertise');
    const reply = await this.send(Type6.request, client, advertise);
    if (reply?.type !== Type6.reply) throw new Error(`no reply: ${reply?.type}`);
    return reply;
  }
}

function encode(type: number, xid: number, client: Client6, leases?: Reply6): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(xid, 0);
  head[0] = type;
  const parts = [head, option(1, client.duid), option(8, Buffer.alloc(2))];
  // A rebind is for whoever listens, so it names no server.
  const server = leases?.options.find(([code]) => code === 2);
  if (server && type !== Type6.rebind) parts.push(option(2, server[1]));
  if (client.fqdn !== undefined) parts.push(option(39, fqdn(client.fqdn)));
  const held = leases?.options.filter(([code]) => code === 3 || code === 25);
  if (held) {
    parts.push(...held.map(([code, data]) => option(code, data)));
  } else {
    for (const iaid of client.na ?? []) parts.push(option(3, emptyIa(iaid)));
    for (const iaid of client.pd ?? []) parts.push(option(25, emptyIa(iaid)));
  }
  return Buffer.concat(parts);
}

function emptyIa(iaid: number): Buffer {
  const data = Buffer.alloc(12);
  data.writeUInt32BE(iaid, 0);
  return data;
}

function fqdn(name: string): Buffer {
  const labels = name.split('.').map((label) => {
    const bytes = Buffer.from(label, 'latin1');
    return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  });
  // Flags: the server is asked to do the AAAA update. Closed by the root label.
  return Buffer.concat([Buffer.from([1]), ...labels, Buffer.from([0])]);
}

function decode(message: Buffer): Reply6 {
  const options = parse(message.subarray(4));
  const addresses: string[] = [];
  const prefixes: string[] = [];
  for (const [code, data] of options) {
    if (code !== 3 && code !== 25) continue;
    for (const [inner, value] of parse(data.subarray(12))) {
      if (inner === 5) addresses.push(colons(value.subarray(0, 16)));
      if (inner === 26) prefixes.push(colons(value.subarray(9, 25)));
    }
  }
  return { type: message[0] ?? 0, options, addresses, prefixes };
}
