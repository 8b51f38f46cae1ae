// SPDX-License-Identifier: MPL-2.0
// A DNS client: queries made byte by byte, so that letters, odd names and odd packets arrive as they are; answers
// decoded by dns-packet. On loopback every address of 127.0.0.0/8 can ask, so there are as many clients as a test
// wants.
import { createSocket } from 'node:dgram';
import { createConnection, isIPv6 } from 'node:net';
import dnsPacket, { type DecodedPacket } from 'dns-packet';
import { proxyHeader } from './proxy-header.js';

export type Transport = 'udp' | 'tcp';

export const Types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  HTTPS: 65,
  ANY: 255,
} as const;

export interface Edns {
  /** Bytes of an answer that the client takes over UDP; default 1232. */
  size?: number;
  dnssecOk?: boolean;
}

export interface Ask {
  /** Dotted, in any letter case; or in wire form. */
  name: string | Buffer;
  type?: keyof typeof Types | number;
  transport?: Transport;
  /** Where the client asks from; default the family's loopback address. */
  from?: string;
  edns?: Edns;
  /** The client behind a proxy: what a PROXY protocol header says. */
  proxied?: { source: string; destination: string };
  /** Opcode and bits of the header; default RD alone. */
  flags?: number;
  /** ms; default 2,000. */
  timeout?: number;
}

export interface Server {
  address: string;
  port: number;
}

export interface RecordIn {
  name: string;
  type: string;
  ttl: number;
  /** As text, such as an address, a name or the strings of a TXT. */
  data: string;
}

export interface Reply {
  raw: Buffer;
  rcode: string;
  truncated: boolean;
  recursionAvailable: boolean;
  /** The question's name with the letters that came back. */
  name: string;
  answers: RecordIn[];
  authorities: RecordIn[];
  /** Minimum of the SOA in the authority section, s. */
  minimum: number | undefined;
  edns: { size: number; dnssecOk: boolean; error?: { code: number; text: string } } | undefined;
}

export function wireName(name: string): Buffer {
  const labels = name.replace(/\.$/, '').split('.');
  const parts = name === '' || name === '.' ? [] : labels.map((label) => Buffer.from(label, 'latin1'));
  return Buffer.concat([...parts.flatMap((label) => [Buffer.from([label.length]), label]), Buffer.from([0])]);
}

let lastId = 0;

/** One query as a packet. */
export function encodeQuery(ask: Ask): Buffer {
  const head = Buffer.alloc(12);
  lastId = (lastId + 1) & 0xffff;
  head.writeUInt16BE(lastId, 0);
  head.writeUInt16BE(ask.flags ?? 0x0100, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(ask.edns ? 1 : 0, 10);
  const question = Buffer.alloc(4);
  const type = ask.type ?? 'A';
  question.writeUInt16BE(typeof type === 'number' ? type : Types[type], 0);
  question.writeUInt16BE(1, 2);
  const name = typeof ask.name === 'string' ? wireName(ask.name) : ask.name;
  return Buffer.concat([head, name, question, ...(ask.edns ? [optRecord(ask.edns)] : [])]);
}

function optRecord({ size = 1232, dnssecOk = false }: Edns): Buffer {
  const opt = Buffer.alloc(11);
  opt.writeUInt16BE(41, 1);
  opt.writeUInt16BE(size, 3);
  opt.writeUInt16BE(dnssecOk ? 0x8000 : 0, 7);
  return opt;
}

/** The answer, or undefined when there is none in time. */
export async function ask(server: Server, question: Ask): Promise<Reply | undefined> {
  const query = encodeQuery(question);
  const raw = await exchange(server, query, question);
  return raw && decode(raw);
}

/** The answer to bytes that are sent as they are. */
export async function exchange(
  server: Server,
  query: Buffer,
  { transport = 'udp', ...options }: Omit<Ask, 'name'> = {},
): Promise<Buffer | undefined> {
  const from = options.from ?? (isIPv6(server.address) ? '::1' : '127.0.0.1');
  const header = options.proxied ? proxyHeader(options.proxied, transport) : Buffer.alloc(0);
  const timeout = options.timeout ?? 2_000;
  if (transport === 'udp') return await overUdp(server, Buffer.concat([header, query]), from, timeout);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(query.length);
  return await overTcp(server, Buffer.concat([header, length, query]), from, timeout);
}

function overUdp(server: Server, query: Buffer, from: string, timeout: number): Promise<Buffer | undefined> {
  return new Promise((done, fail) => {
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4');
    const finish = (answer?: Buffer) => {
      clearTimeout(timer);
      socket.close();
      done(answer);
    };
    const timer = setTimeout(finish, timeout);
    socket.once('message', (answer) => finish(answer));
    socket.once('error', fail);
    socket.bind(0, from, () => socket.send(query, server.port, server.address));
  });
}

/** A connection that ends without an answer is tried once more, as clients do (RFC 7766, 6.2.4). */
async function overTcp(server: Server, query: Buffer, from: string, timeout: number) {
  return (await onConnection(server, query, from, timeout)) ?? onConnection(server, query, from, timeout);
}

function onConnection(
  server: Server,
  query: Buffer,
  from: string,
  timeout: number,
): Promise<Buffer | undefined> {
  return new Promise((done, fail) => {
    const socket = createConnection({ port: server.port, host: server.address, localAddress: from });
    const parts: Buffer[] = [];
    const finish = (answer?: Buffer) => {
      clearTimeout(timer);
      socket.destroy();
      done(answer);
    };
    const timer = setTimeout(finish, timeout);
    socket.once('connect', () => socket.write(query));
    socket.on('data', (part) => {
      parts.push(part);
      const all = Buffer.concat(parts);
      if (all.length >= 2 && all.length >= 2 + all.readUInt16BE(0)) finish(all.subarray(2));
    });
    // A server that drops a query closes, or resets when it had not read all of it.
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') finish();
      else {
        clearTimeout(timer);
        fail(error);
      }
    });
    socket.once('close', () => finish());
  });
}

/** What dns-packet decodes beside what its types name. */
type Bits = DecodedPacket & { rcode: string };

function decode(raw: Buffer): Reply {
  const packet = dnsPacket.decode(raw) as Bits;
  const soa = packet.authorities?.find((record) => record.type === 'SOA');
  return {
    raw,
    rcode: packet.rcode,
    truncated: packet.flag_tc,
    recursionAvailable: packet.flag_ra,
    name: packet.questions?.[0]?.name ?? '',
    answers: (packet.answers ?? []).map(record),
    authorities: (packet.authorities ?? []).map(record),
    minimum: soa?.type === 'SOA' ? soa.data.minimum : undefined,
    edns: ednsOf(packet),
  };
}

function record(answer: NonNullable<DecodedPacket['answers']>[number]): RecordIn {
  if (answer.type === 'OPT') throw new Error('an OPT record among answers');
  const { data } = answer as { data: unknown };
  const text = Array.isArray(data)
    ? data.map(String).join(' ')
    : typeof data === 'string'
      ? data
      : JSON.stringify(data);
  return { name: answer.name, type: answer.type, ttl: answer.ttl ?? 0, data: text };
}

function ednsOf(packet: DecodedPacket): Reply['edns'] {
  const opt = packet.additionals?.find((each) => each.type === 'OPT');
  if (opt?.type !== 'OPT') return undefined;
  const error = opt.options.find(({ code }) => Number(code) === 15) as { data: Buffer } | undefined;
  return {
    size: opt.udpPayloadSize,
    dnssecOk: opt.flag_do,
    ...(error && {
      error: { code: error.data.readUInt16BE(0), text: error.data.subarray(2).toString('utf8') },
    }),
  };
}
