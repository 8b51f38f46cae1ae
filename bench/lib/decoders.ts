// SPDX-License-Identifier: MPL-2.0
// The generated decoder beside other ways of getting the same lease event out of bytes.
import { decodeLeaseEvent, type LeaseEvent } from '../../src/host/gen/events.js';
import { encodeLease, LeaseEventType } from './feed.js';
import { opsPerSecond } from './side-by-side.js';
import { median } from './stats.js';

interface Decoder {
  name: string;
  /** The event's address, hardware address and time: proof that the work was done. */
  decode(): { address: Uint8Array; hwaddr: Uint8Array; observedUs: number };
}

/** Every field at a place of its own: the fastest that a DataView can do, at twice the bytes. */
function fixedLayout(event: LeaseEvent): Buffer {
  const bytes = Buffer.alloc(96);
  bytes.set([event.operation, event.origin, event.type, event.prefixLen, event.state], 0);
  bytes.writeUInt16LE(event.hwtype, 6);
  bytes.writeUInt32LE(event.subnetId, 8);
  bytes.writeUInt32LE(event.validLft, 12);
  bytes.writeDoubleLE(event.cltt, 16);
  bytes.writeDoubleLE(event.observedUs, 24);
  let at = 40;
  for (const [i, field] of [event.address, event.hwaddr, event.clientId, event.hostname].entries()) {
    bytes[32 + i] = field.length;
    bytes.set(field, at);
    at += field.length;
  }
  return bytes;
}

const NONE = Buffer.alloc(0);

function decodeFixed(bytes: Buffer, view: DataView): LeaseEvent {
  const ends = [40, 0, 0, 0, 0];
  for (let i = 0; i < 4; i++) ends[i + 1] = (ends[i] as number) + (bytes[32 + i] as number);
  const field = (i: number) => bytes.subarray(ends[i], ends[i + 1]);
  return {
    operation: view.getUint8(0) as LeaseEvent['operation'],
    origin: view.getUint8(1) as LeaseEvent['origin'],
    type: view.getUint8(2) as LeaseEvent['type'],
    address: field(0),
    prefixLen: view.getUint8(3),
    hwtype: view.getUint16(6, true),
    hwaddr: field(1),
    clientId: field(2),
    duid: NONE,
    iaid: 0,
    subnetId: view.getUint32(8, true),
    state: view.getUint8(4),
    cltt: view.getFloat64(16, true),
    validLft: view.getUint32(12, true),
    preferredLft: 0,
    hostname: field(3),
    fqdnFwd: false,
    fqdnRev: false,
    userContext: NONE,
    observedUs: view.getFloat64(24, true),
    readAt: 0,
  };
}

function jsonText(event: LeaseEvent): string {
  const hex = (bytes: Buffer) => bytes.toString('hex');
  const { address, hwaddr, clientId, duid, userContext } = event;
  return JSON.stringify({
    ...event,
    ...{ address: hex(address), hwaddr: hex(hwaddr), clientId: hex(clientId), duid: hex(duid) },
    ...{ hostname: event.hostname.toString(), userContext: userContext.toString() },
  });
}

function decodeJson(text: string) {
  const event = JSON.parse(text) as Record<'address' | 'hwaddr' | 'clientId', string> & {
    observedUs: number;
  };
  const bytes = (name: 'address' | 'hwaddr' | 'clientId') => Buffer.from(event[name], 'hex');
  return { ...event, address: bytes('address'), hwaddr: bytes('hwaddr'), clientId: bytes('clientId') };
}

function decoders(): Decoder[] {
  const bytes = Buffer.from(encodeLease(123_456, false, 1_700_000_000_123));
  const event = decodeLeaseEvent(bytes);
  const fixed = fixedLayout(event);
  const view = new DataView(fixed.buffer, fixed.byteOffset, fixed.length);
  const text = jsonText(event);
  return [
    { name: 'generated decoder', decode: () => decodeLeaseEvent(bytes) },
    {
      name: 'protobufjs',
      decode: () => {
        const m = LeaseEventType.decode(bytes) as unknown as LeaseEvent;
        return { address: m.address, hwaddr: m.hwaddr, observedUs: Number(m.observedUs) };
      },
    },
    { name: 'DataView, fixed layout', decode: () => decodeFixed(fixed, view) },
    { name: 'JSON.parse', decode: () => decodeJson(text) },
  ];
}

const proof = ({ address, hwaddr, observedUs }: ReturnType<Decoder['decode']>): string =>
  `${Buffer.from(address).toString('hex')} ${Buffer.from(hwaddr).toString('hex')} ${observedUs}`;

/** Events decoded per second by each, after checking that all give the same. */
export async function compareDecoders(): Promise<Map<string, number>> {
  const all = decoders();
  const expected = proof((all[0] as Decoder).decode());
  for (const { name, decode } of all) {
    if (proof(decode()) !== expected) throw new Error(`${name} decodes something else`);
  }
  const rates = new Map<string, number[]>(all.map(({ name }) => [name, []]));
  for (let round = 0; round < 3; round++) {
    for (const { name, decode } of all) rates.get(name)?.push(await opsPerSecond(name, decode));
  }
  return new Map([...rates].map(([name, values]) => [name, median(values)]));
}
