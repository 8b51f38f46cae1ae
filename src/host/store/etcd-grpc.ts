// SPDX-License-Identifier: MPL-2.0
// etcd over gRPC: connections made through npm etcd3's Host. Keys and values go past its generic codec
// (etcd-wire.ts), and its circuit breakers and retries are off: etcd-client.ts decides.
import { readFileSync } from 'node:fs';
import * as grpc from '@grpc/grpc-js';
import { Host } from 'etcd3/lib/connection-pool.js';
import { NnoeError, reasonOf } from '../errors.js';
import { decodeHeader, decodeLogin, decodeRange, decodeTxn, decodeWatch } from './etcd-decode.js';
import { StatusError } from './etcd-errors.js';
import type {
  Call,
  CallOptions,
  Member,
  MemberOptions,
  Protocol,
  Watch,
  WatchHandlers,
  WatchQuery,
} from './etcd-protocol.js';
import { encodeGrant, encodeLogin, encodeRange, encodeReads, encodeTxn, encodeWatch } from './etcd-wire.js';

const call = <R>(path: string, body: Buffer, read: (bytes: Buffer) => R): Call<R> => ({
  path: `/etcdserverpb.${path}`,
  body,
  size: body.length,
  read,
});

export const grpcProtocol: Protocol = {
  name: 'etcd',
  member: (url, options) => new GrpcMember(url, options),
  range: (query) => call('KV/Range', encodeRange(query), decodeRange),
  txn: (compare, operations) => call('KV/Txn', encodeTxn(compare, operations), decodeTxn),
  reads: (keys) => call('KV/Txn', encodeReads(keys), decodeTxn),
  grant: (lease) => call('Lease/LeaseGrant', encodeGrant(lease), decodeHeader),
  login: (name, password) => call('Auth/Authenticate', encodeLogin(name, password), decodeLogin),
};

const channelOptions = (silence: number): grpc.ChannelOptions => ({
  // etcd refuses pings more often than every 5 s, and any without a call in progress.
  'grpc.keepalive_time_ms': Math.round((silence * 2) / 3),
  'grpc.keepalive_timeout_ms': Math.round(silence / 3),
  'grpc.keepalive_permit_without_calls': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  // Otherwise a channel made anew would be given the dead connection of the one before.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  // Counts of calls for a service that nobody serves here.
  'grpc.enable_channelz': 0,
  // The variables http_proxy and the like are meant for other traffic.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
});

type GrpcCall = ReturnType<grpc.ChannelInterface['createCall']>;

const identity = (bytes: Buffer): Buffer => bytes;
const passThrough = { execute: <T>(work: () => T): T => work() } as unknown as ConstructorParameters<
  typeof Host
>[3];

class GrpcMember implements Member {
  certificate: Buffer | undefined;
  /** HTTP/2 pings end a dead connection, and every watch on it. */
  readonly quiet = undefined;
  /** Calls and watches have connections of their own: a stalled reader of one does not slow the other. */
  #calls: Host | undefined;
  #watches: Host | undefined;
  readonly #outstanding = new Set<GrpcCall>();

  constructor(
    readonly url: string,
    private readonly options: MemberOptions,
  ) {}

  #host(): Host {
    const secure = this.url.startsWith('https:');
    return new Host(
      this.url,
      secure ? this.#credentials() : grpc.credentials.createInsecure(),
      channelOptions(this.options.silence),
      passThrough,
    );
  }

  /** Reads the files each time, so that renewed certificates are used without a restart. */
  #credentials(): grpc.ChannelCredentials {
    const { ca, cert, key } = this.options.tls;
    const read = (file: string | undefined): Buffer | null =>
      file === undefined ? null : readFileSync(file);
    try {
      this.certificate = read(cert) ?? undefined;
      return grpc.credentials.createSsl(read(ca), read(key), this.certificate ?? null);
    } catch (error) {
      throw new NnoeError('STORE_CERTIFICATE', { endpoint: this.url, reason: reasonOf(error) }, error);
    }
  }

  get #state(): grpc.connectivityState | undefined {
    return this.#calls?.getServiceClient('KV').getChannel().getConnectivityState(false);
  }

  get connected(): boolean {
    return this.#state === grpc.connectivityState.READY;
  }

  async call(path: string, body: Buffer, { token, timeout, signal }: CallOptions): Promise<Buffer> {
    // While logging in, perhaps: a signal that has aborted says so only once.
    signal?.throwIfAborted();
    // It would refuse everything until its own pause is over; how long to pause is decided by who calls.
    if (this.#state === grpc.connectivityState.TRANSIENT_FAILURE) this.reset();
    this.#calls ??= this.#host();
    const channel = this.#calls.getServiceClient('KV').getChannel();
    return new Promise((resolve, reject) => {
      // What a client's stub puts around a call (interceptors, an emitter, a stack for each) costs a third of it.
      const outgoing = channel.createCall(path, Date.now() + timeout, undefined, null, undefined);
      const cancel = () => outgoing.cancelWithStatus(grpc.status.CANCELLED, 'Cancelled on client');
      let reply: Buffer | undefined;
      this.#outstanding.add(outgoing);
      signal?.addEventListener('abort', cancel, { once: true });
      outgoing.start(metadata(token), {
        onReceiveMetadata: () => undefined,
        onReceiveMessage: (message: Buffer) => {
          reply = message;
        },
        onReceiveStatus: ({ code, details }) => {
          this.#outstanding.delete(outgoing);
          signal?.removeEventListener('abort', cancel);
          if (code !== grpc.status.OK) reject(new StatusError(code, details));
          else if (reply === undefined) reject(new StatusError(grpc.status.INTERNAL, 'no reply came'));
          else resolve(reply);
        },
      });
      outgoing.startRead();
      outgoing.sendMessageWithContext({}, body);
      outgoing.halfClose();
    });
  }

  watch(query: WatchQuery, token: string | undefined, handlers: WatchHandlers): Watch {
    this.#watches ??= this.#host();
    const client = this.#watches.getServiceClient('Watch');
    const headers = metadata(token);
    // Makes a member that was cut off from the others end the watch.
    headers.set('hasleader', 'true');
    const stream = client.makeBidiStreamRequest(
      '/etcdserverpb.Watch/Watch',
      identity,
      identity,
      headers,
      {},
    ) as grpc.ClientDuplexStream<Buffer, Buffer>;
    let over = false;
    const fail = (error: unknown) => {
      if (over) return;
      over = true;
      handlers.failed(error);
    };
    // The 'error' listener stays after `close`: cancelling makes one more.
    stream.on('error', fail);
    stream.on('end', () => fail(new Error('the watch was ended')));
    stream.on('data', (bytes: Buffer) => {
      if (over) return;
      try {
        handlers.reply(decodeWatch(bytes));
      } catch (error) {
        fail(error);
      }
    });
    stream.write(encodeWatch(query));
    return {
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      close: () => {
        over = true;
        stream.cancel();
      },
    };
  }

  reset(): void {
    this.#calls?.close();
    this.#calls = undefined;
  }

  resetWatches(): void {
    this.#watches?.close();
    this.#watches = undefined;
  }

  close(): void {
    for (const each of this.#outstanding) each.cancelWithStatus(grpc.status.CANCELLED, 'Cancelled on client');
    this.reset();
    this.resetWatches();
  }
}

const anonymous = new grpc.Metadata();

function metadata(token: string | undefined): grpc.Metadata {
  if (token === undefined) return anonymous.clone();
  const made = new grpc.Metadata();
  made.set('token', token);
  return made;
}
