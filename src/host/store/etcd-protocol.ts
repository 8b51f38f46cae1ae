// SPDX-License-Identifier: MPL-2.0
// What the store needs of a way to talk to etcd. Two ways stand behind it: gRPC (etcd-grpc.ts) and the
// HTTP/JSON gateway (gateway.ts). Members carry bytes and know nothing of retries, logins or revisions:
// etcd-client.ts decides about those, for both alike.
import type { Compare, KeyValue, Operation } from './store.js';

export interface Header {
  /** As the protocol writes it: compared, never computed with. */
  cluster: string;
  revision: number;
}

export interface Reply {
  header: Header;
}

export interface RangeQuery {
  key: string | Buffer;
  /** Exclusive; left out: that one key. */
  end?: Buffer;
  limit?: number;
  /** 0 or left out: now. */
  revision?: number;
  countOnly?: boolean;
  /** Values are left empty. */
  keysOnly?: boolean;
  /** Only keys whose last change was at this revision or later; `count` counts the others too. */
  changedSince?: number;
}

export interface RangeReply extends Reply {
  entries: KeyValue[];
  more: boolean;
  /** Keys in the range at that revision, whatever `limit` and `changedSince` say. */
  count: number;
}

export interface TxnReply extends Reply {
  succeeded: boolean;
  /** One for each range of the branch that was taken. */
  ranges: KeyValue[][];
}

/** A lease to be made. */
export interface LeaseGrant {
  /** Chosen by us; 1 to 2^53. */
  id: number;
  /** Whole seconds, 1 and more; etcd may choose longer. */
  ttl: number;
}

export interface LoginReply {
  token: string;
}

export interface WatchQuery {
  key: Buffer;
  /** Exclusive. */
  end: Buffer;
  /** First revision that is told. */
  revision: number;
}

export interface WatchEvent {
  deleted: boolean;
  /** Of a deletion: key and modRevision only. */
  entry: KeyValue;
}

/** Without events and neither created nor canceled: everything up to the header's revision was told. */
export interface WatchReply extends Reply {
  created: boolean;
  canceled: boolean;
  /** Not 0: the store has forgotten what came before it. */
  compactRevision: number;
  reason: string;
  /** Every event of a revision is in one reply. */
  events: WatchEvent[];
}

/** A put may be bound to a lease: the key goes when the lease ends. */
export type LeasedOperation = Operation & { lease?: number };

/** A request ready to be sent as often as it takes. */
export interface Call<R> {
  path: string;
  body: Buffer;
  /** About what etcd counts against its limit for a request, bytes. */
  size: number;
  /** @throws NnoeError STORE_PROTOCOL, STORE_REVISION. */
  read(bytes: Buffer): R;
}

export interface CallOptions {
  token: string | undefined;
  /** ms until the call fails with status 4 (deadline exceeded). */
  timeout: number;
  signal?: AbortSignal | undefined;
}

export interface WatchHandlers {
  reply(reply: WatchReply): void;
  /** The watch has ended; called at most once, and not after `close`. */
  failed(error: unknown): void;
}

export interface Watch {
  /** Reads no more until `resume`, so that etcd is made to wait. */
  pause(): void;
  resume(): void;
  close(): void;
}

/** One member of the cluster and the connections to it, which come up when they are needed. */
export interface Member {
  readonly url: string;
  /** PEM of the certificate that the connections were made with. */
  readonly certificate: Buffer | undefined;
  /** Whether a connection for calls stands, so that an unanswered call means a stalled server. */
  readonly connected: boolean;
  /** How long a watch without a word may be believed, ms; undefined: the member notices a dead one itself. */
  readonly quiet: number | undefined;
  /** Rejects with an error that etcd-errors.ts understands: one with gRPC's `code` and `details`, or text. */
  call(path: string, body: Buffer, options: CallOptions): Promise<Buffer>;
  watch(query: WatchQuery, token: string | undefined, handlers: WatchHandlers): Watch;
  /** The next call connects anew; calls in progress end by themselves. */
  reset(): void;
  /** As `reset`, for watches. */
  resetWatches(): void;
  close(): void;
}

export interface TlsFiles {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

export interface MemberOptions {
  tls: TlsFiles;
  /** Silence on a connection, ms, after which it is doubted. */
  silence: number;
}

export interface Protocol {
  readonly name: 'etcd' | 'etcd-gateway';
  member(url: string, options: MemberOptions): Member;
  range(query: RangeQuery): Call<RangeReply>;
  txn(compare: readonly Compare[], operations: readonly LeasedOperation[]): Call<TxnReply>;
  /** Reads each key, as one transaction: the ranges of its reply are theirs, in that order. */
  reads(keys: readonly string[]): Call<TxnReply>;
  grant(lease: LeaseGrant): Call<Reply>;
  login(name: string, password: string): Call<LoginReply>;
}

/** First key after every key that begins with `prefix`. */
export function prefixEnd(prefix: string | Buffer): Buffer {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] as number;
    if (byte < 0xff) {
      end[i] = byte + 1;
      return end.subarray(0, i + 1);
    }
  }
  return Buffer.from([0]);
}
