// SPDX-License-Identifier: MPL-2.0
// Replies of etcd's API from their bytes; see etcd-wire.ts. Unknown fields are passed over, values are views
// of the reply and not copies.
import { NnoeError } from '../errors.js';
import type {
  Header,
  LoginReply,
  RangeReply,
  Reply,
  TxnReply,
  WatchEvent,
  WatchReply,
} from './etcd-protocol.js';
import type { KeyValue } from './store.js';

const malformed = (): NnoeError => new NnoeError('STORE_PROTOCOL', { reason: 'a reply is cut short' });

/** A part of a reply; `at` runs from field to field. */
class In {
  constructor(
    readonly bytes: Buffer,
    public at: number,
    readonly end: number,
  ) {}

  get more(): boolean {
    return this.at < this.end;
  }

  /** @throws STORE_REVISION beyond 2^53: such a number would be rounded. */
  varint(): number {
    const { bytes } = this;
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = bytes[this.at++];
      if (byte === undefined || this.at > this.end) throw malformed();
      value += (byte & 127) * scale;
      if (byte < 128) break;
      scale *= 128;
    }
    if (value > Number.MAX_SAFE_INTEGER) throw new NnoeError('STORE_REVISION', { value });
    return value;
  }

  message(): In {
    const length = this.varint();
    const start = this.at;
    this.at += length;
    if (this.at > this.end) throw malformed();
    return new In(this.bytes, start, this.at);
  }

  rest(): Buffer {
    return this.bytes.subarray(this.at, this.end);
  }

  text(): string {
    return this.bytes.toString('utf8', this.at, this.end);
  }

  /** Bytes of a varint of any size, as text. */
  rawVarint(): string {
    const start = this.at;
    while ((this.bytes[this.at++] ?? 0) > 127);
    if (this.at > this.end) throw malformed();
    return this.bytes.latin1Slice(start, this.at);
  }

  skip(tag: number): void {
    const type = tag & 7;
    if (type === 0) this.rawVarint();
    else if (type === 1) this.at += 8;
    else if (type === 2) this.message();
    else if (type === 5) this.at += 4;
    else throw malformed();
    if (this.at > this.end) throw malformed();
  }
}

const noHeader: Header = { cluster: '', revision: 0 };

function header(part: In): Header {
  let cluster = '';
  let revision = 0;
  while (part.more) {
    const tag = part.varint();
    if (tag === 0x08) cluster = part.rawVarint();
    else if (tag === 0x18) revision = part.varint();
    else part.skip(tag);
  }
  return { cluster, revision };
}

const empty = Buffer.alloc(0);

function keyValue(part: In): KeyValue {
  const entry: KeyValue = { key: '', value: empty, createRevision: 0, modRevision: 0 };
  while (part.more) {
    const tag = part.varint();
    if (tag === 0x0a) entry.key = part.message().text();
    else if (tag === 0x10) entry.createRevision = part.varint();
    else if (tag === 0x18) entry.modRevision = part.varint();
    else if (tag === 0x2a) entry.value = part.message().rest();
    else part.skip(tag);
  }
  return entry;
}

function range(part: In): RangeReply {
  const reply: RangeReply = { header: noHeader, entries: [], more: false, count: 0 };
  while (part.more) {
    const tag = part.varint();
    if (tag === 0x0a) reply.header = header(part.message());
    else if (tag === 0x12) reply.entries.push(keyValue(part.message()));
    else if (tag === 0x18) reply.more = part.varint() !== 0;
    else if (tag === 0x20) reply.count = part.varint();
    else part.skip(tag);
  }
  return reply;
}

const whole = (bytes: Buffer): In => new In(bytes, 0, bytes.length);

export const decodeRange = (bytes: Buffer): RangeReply => range(whole(bytes));

/** Of a reply that matters by having come. */
export function decodeHeader(bytes: Buffer): Reply {
  const part = whole(bytes);
  let found = noHeader;
  while (part.more) {
    const tag = part.varint();
    if (tag === 0x0a) found = header(part.message());
    else part.skip(tag);
  }
  return { header: found };
}

export function decodeTxn(bytes: Buffer): TxnReply {
  const part = whole(bytes);
  const reply: TxnReply = { header: noHeader, succeeded: false, ranges: [] };
  while (part.more) {
    const tag = part.varint();
    if (tag === 0x0a) reply.header = header(part.message());
    else if (tag === 0x10) reply.succeeded = part.varint() !== 0;
    else if (tag === 0x1a) {
      const operation = part.message();
      // Replies to puts and deletes say nothing that is not known.
      if (operation.bytes[operation.at] === 0x0a) {
        operation.at++;
        reply.ranges.push(range(operation.message()).entries);
      }
    } else part.skip(tag);
  }
  return reply;
}

export function decodeLogin(bytes: Buffer): LoginReply {
  const part = whole(bytes);
  let token = '';
  while (part.more) {
    const tag = part.varint();
    if (tag === 0x12) token = part.message().text();
    else part.skip(tag);
  }
  return { token };
}

function watchEvent(part: In): WatchEvent {
  const event: WatchEvent = {
    deleted: false,
    entry: { key: '', value: empty, createRevision: 0, modRevision: 0 },
  };
  while (part.more) {
    const tag = part.varint();
    if (tag === 0x08) event.deleted = part.varint() === 1;
    else if (tag === 0x12) event.entry = keyValue(part.message());
    else part.skip(tag);
  }
  return event;
}

export function decodeWatch(bytes: Buffer): WatchReply {
  const part = whole(bytes);
  const reply: WatchReply = {
    header: noHeader,
    created: false,
    canceled: false,
    compactRevision: 0,
    reason: '',
    events: [],
  };
  while (part.more) {
    const tag = part.varint();
    if (tag === 0x0a) reply.header = header(part.message());
    else if (tag === 0x18) reply.created = part.varint() !== 0;
    else if (tag === 0x20) reply.canceled = part.varint() !== 0;
    else if (tag === 0x28) reply.compactRevision = part.varint();
    else if (tag === 0x32) reply.reason = part.message().text();
    else if (tag === 0x5a) reply.events.push(watchEvent(part.message()));
    else part.skip(tag);
  }
  return reply;
}
