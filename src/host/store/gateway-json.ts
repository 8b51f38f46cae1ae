// SPDX-License-Identifier: MPL-2.0
// Requests and replies of etcd's HTTP/JSON gateway: keys and values in base64, 64-bit numbers as text, fields
// that are empty left out. Written by hand, as etcd-wire.ts is: a transaction of 128 operations is what the
// lease path does all day.
import { NnoeError, reasonOf } from '../errors.js';
import { StatusError } from './etcd-errors.js';
import type {
  Header,
  LeasedOperation,
  LeaseGrant,
  LoginReply,
  RangeQuery,
  RangeReply,
  Reply,
  TxnReply,
  WatchQuery,
  WatchReply,
} from './etcd-protocol.js';
import type { Compare, KeyValue } from './store.js';

// What the gateway answers, as far as it is read; a proxy between may have left out or changed anything.
type Num = string | number | undefined;
interface WireHeader {
  cluster_id?: Num;
  revision?: Num;
}
interface WireKeyValue {
  key?: string;
  value?: string;
  create_revision?: Num;
  mod_revision?: Num;
}
interface WireRange {
  header?: WireHeader;
  kvs?: WireKeyValue[];
  more?: boolean;
  count?: Num;
}
interface WireTxn {
  header?: WireHeader;
  succeeded?: boolean;
  responses?: { response_range?: WireRange }[];
}
interface WireWatch {
  header?: WireHeader;
  created?: boolean;
  canceled?: boolean;
  compact_revision?: Num;
  cancel_reason?: string;
  events?: { type?: string | number; kv?: WireKeyValue }[];
}
interface WireFault {
  code?: number;
  grpc_code?: number;
  message?: string;
  error?: string;
}

const base64 = (bytes: string | Buffer): string =>
  (typeof bytes === 'string' ? Buffer.from(bytes) : bytes).toString('base64');

/** Every character is ASCII: base64, digits, and names of fields. */
const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');

export function encodeTxn(compare: readonly Compare[], operations: readonly LeasedOperation[]): Buffer {
  const compares = compare.map(
    ({ key, modRevision }) => `{"target":"MOD","key":"${base64(key)}","mod_revision":"${modRevision}"}`,
  );
  const success = operations.map((operation) => {
    if (!('put' in operation)) return `{"request_delete_range":{"key":"${base64(operation.delete)}"}}`;
    const lease = operation.lease === undefined ? '' : `,"lease":"${operation.lease}"`;
    return `{"request_put":{"key":"${base64(operation.put)}","value":"${base64(operation.value)}"${lease}}}`;
  });
  return ascii(`{"compare":[${compares.join()}],"success":[${success.join()}]}`);
}

export const encodeReads = (keys: readonly string[]): Buffer =>
  ascii(`{"success":[${keys.map((key) => `{"request_range":{"key":"${base64(key)}"}}`).join()}]}`);

export function encodeRange(query: RangeQuery): Buffer {
  const { key, end, limit, revision, countOnly, keysOnly, changedSince } = query;
  const given = {
    key: base64(key),
    ...(end && { range_end: base64(end) }),
    ...(limit && { limit: String(limit) }),
    ...(revision && { revision: String(revision) }),
    ...(keysOnly && { keys_only: true }),
    ...(countOnly && { count_only: true }),
    ...(changedSince && { min_mod_revision: String(changedSince) }),
  };
  return ascii(JSON.stringify(given));
}

/** Creates a watch and asks to be told, now and then, that nothing happened. */
export const encodeWatch = ({ key, end, revision }: WatchQuery): Buffer =>
  ascii(
    `{"create_request":{"key":"${base64(key)}","range_end":"${base64(end)}","start_revision":"${revision}","progress_notify":true}}`,
  );

export const encodeGrant = ({ id, ttl }: LeaseGrant): Buffer => ascii(`{"TTL":"${ttl}","ID":"${id}"}`);

export const encodeLogin = (name: string, password: string): Buffer =>
  Buffer.from(JSON.stringify({ name, password }));

const unreadable = (reason: string, cause?: unknown) => new NnoeError('STORE_PROTOCOL', { reason }, cause);

/** @throws NnoeError STORE_PROTOCOL unless it is one JSON object. */
function object(bytes: Buffer): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw unreadable(`${reasonOf(error)} (${bytes.length} bytes)`, error);
  }
  if (typeof parsed !== 'object' || parsed === null)
    throw unreadable(`${typeof parsed} where an object was expected`);
  return parsed;
}

/** @throws NnoeError STORE_REVISION beyond 2^53: such a number would be rounded. */
function whole(value: Num): number {
  const number = Number(value ?? 0);
  if (!Number.isInteger(number) || number < 0) throw unreadable(`"${value}" where a number was expected`);
  if (number > Number.MAX_SAFE_INTEGER) throw new NnoeError('STORE_REVISION', { value: String(value) });
  return number;
}

const header = (wire: WireHeader | undefined): Header => ({
  cluster: String(wire?.cluster_id ?? ''),
  revision: whole(wire?.revision),
});

const keyValue = (wire: WireKeyValue): KeyValue => ({
  key: Buffer.from(wire.key ?? '', 'base64').toString('utf8'),
  value: Buffer.from(wire.value ?? '', 'base64'),
  createRevision: whole(wire.create_revision),
  modRevision: whole(wire.mod_revision),
});

/** A text or null where a list belongs would otherwise be read as something. */
function list<T>(value: T[] | undefined): T[] {
  if (value !== undefined && !Array.isArray(value))
    throw unreadable(`${typeof value} where a list was expected`);
  return value ?? [];
}

const range = (wire: WireRange): RangeReply => ({
  header: header(wire.header),
  entries: list(wire.kvs).map(keyValue),
  more: wire.more === true,
  count: whole(wire.count),
});

export const decodeRange = (bytes: Buffer): RangeReply => range(object(bytes));

export function decodeTxn(bytes: Buffer): TxnReply {
  const wire: WireTxn = object(bytes);
  const ranges: KeyValue[][] = [];
  // Replies to puts and deletes say nothing that is not known.
  for (const { response_range } of list(wire.responses))
    if (response_range) ranges.push(list(response_range.kvs).map(keyValue));
  return { header: header(wire.header), succeeded: wire.succeeded === true, ranges };
}

/** Of a reply that matters by having come. */
export function decodeHeader(bytes: Buffer): Reply {
  const wire: { header?: WireHeader } = object(bytes);
  return { header: header(wire.header) };
}

export function decodeLogin(bytes: Buffer): LoginReply {
  const { token }: { token?: string } = object(bytes);
  if (!token) throw unreadable('a login without a token');
  return { token };
}

/** One message of the stream that a watch is. @throws StatusError when that is an error. */
export function decodeWatch(bytes: Buffer): WatchReply {
  const { result: wire, error }: { result?: WireWatch; error?: WireFault } = object(bytes);
  if (error) throw status(error, 'the watch failed');
  if (!wire) throw unreadable('a message of a watch that holds nothing');
  return {
    header: header(wire.header),
    created: wire.created === true,
    canceled: wire.canceled === true,
    compactRevision: whole(wire.compact_revision),
    reason: wire.cancel_reason ?? '',
    events: list(wire.events).map(({ type, kv = {} }) => ({
      deleted: type === 'DELETE' || type === 1,
      entry: keyValue(kv),
    })),
  };
}

const status = (fault: WireFault, otherwise: string): StatusError =>
  new StatusError(fault.grpc_code ?? fault.code ?? 2, fault.message ?? fault.error ?? otherwise);

/** What an answer other than 200 means. */
export function refusal(httpStatus: number, path: string, body: Buffer): Error {
  let fault: WireFault = {};
  try {
    fault = object(body);
  } catch {
    // Not from etcd, but from something between.
  }
  if (typeof fault.code === 'number') return status(fault, `HTTP ${httpStatus}`);
  const said = `HTTP ${httpStatus} to ${path}`;
  if (httpStatus >= 500) return new StatusError(14, said);
  return unreadable(`${said}; is the gateway of etcd on (--enable-grpc-gateway)?`);
}
