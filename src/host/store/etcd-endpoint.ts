// SPDX-License-Identifier: MPL-2.0
// One member of the cluster: its connections, made through npm etcd3's Host. Keys and values go past its
// generic codec (etcd-wire.ts), and its circuit breakers and retries are off: etcd-client.ts decides.
import { readFileSync } from 'node:fs';
import * as grpc from '@grpc/grpc-js';
import { Host } from 'etcd3/lib/connection-pool.js';
import { NnoeError, reasonOf } from '../errors.js';

export interface TlsFiles {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

const channelOptions: grpc.ChannelOptions = {
  // etcd refuses pings more often than every 5 s, and any without a call in progress.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 0,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2_000,
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  // Otherwise a channel made anew would be given the dead connection of the one before.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  // The variables http_proxy and the like are meant for other traffic.
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
};

const identity = (bytes: Buffer): Buffer => bytes;
const passThrough = { execute: <T>(work: () => T): T => work() } as unknown as ConstructorParameters<
  typeof Host
>[3];

interface AuthClient {
  authenticate(
    request: { name: string; password: string },
    metadata: grpc.Metadata,
    options: grpc.CallOptions,
    done: (error: grpc.ServiceError | null, reply?: { token: string }) => void,
  ): grpc.ClientUnaryCall;
}

type Raw = grpc.ClientDuplexStream<Buffer, Buffer>;

export class Endpoint {
  /** PEM that the connections were made with. */
  certificate: Buffer | undefined;
  /** Calls and watches have connections of their own: a stalled reader of one does not slow the other. */
  #calls: Host | undefined;
  #watches: Host | undefined;
  readonly #outstanding = new Set<grpc.ClientUnaryCall>();

  constructor(
    readonly url: string,
    private readonly tls: TlsFiles,
  ) {}

  #host(): Host {
    const secure = this.url.startsWith('https:');
    return new Host(
      this.url,
      secure ? this.#credentials() : grpc.credentials.createInsecure(),
      channelOptions,
      passThrough,
    );
  }

  /** Reads the files each time, so that renewed certificates are used without a restart. */
  #credentials(): grpc.ChannelCredentials {
    const read = (file: string | undefined): Buffer | null =>
      file === undefined ? null : readFileSync(file);
    try {
      this.certificate = read(this.tls.cert) ?? undefined;
      return grpc.credentials.createSsl(read(this.tls.ca), read(this.tls.key), this.certificate ?? null);
    } catch (error) {
      throw new NnoeError('STORE_CERTIFICATE', { endpoint: this.url, reason: reasonOf(error) }, error);
    }
  }

  /** Whether a connection stands, so that an unanswered call means a stalled server. */
  get connected(): boolean {
    return (
      this.#calls?.getServiceClient('KV').getChannel().getConnectivityState(false) ===
      grpc.connectivityState.READY
    );
  }

  call(
    path: string,
    request: Buffer,
    metadata: grpc.Metadata,
    milliseconds: number,
    signal: AbortSignal | undefined,
  ): Promise<Buffer> {
    this.#calls ??= this.#host();
    const client = this.#calls.getServiceClient('KV');
    return new Promise((resolve, reject) => {
      const call = client.makeUnaryRequest(
        path,
        identity,
        identity,
        request,
        metadata,
        { deadline: Date.now() + milliseconds },
        (error, reply) => {
          this.#outstanding.delete(call);
          signal?.removeEventListener('abort', cancel);
          if (error) reject(error);
          else resolve(reply as Buffer);
        },
      );
      const cancel = () => call.cancel();
      this.#outstanding.add(call);
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  login(name: string, password: string, milliseconds: number): Promise<string> {
    this.#calls ??= this.#host();
    const client = this.#calls.getServiceClient('Auth') as unknown as AuthClient;
    return new Promise((resolve, reject) => {
      client.authenticate(
        { name, password },
        new grpc.Metadata(),
        { deadline: Date.now() + milliseconds },
        (error, reply) => (error ? reject(error) : resolve(reply?.token ?? '')),
      );
    });
  }

  watch(metadata: grpc.Metadata): Raw {
    this.#watches ??= this.#host();
    const client = this.#watches.getServiceClient('Watch');
    return client.makeBidiStreamRequest('/etcdserverpb.Watch/Watch', identity, identity, metadata, {});
  }

  /** The next call connects anew; calls in progress end by themselves. */
  reset(): void {
    this.#calls?.close();
    this.#calls = undefined;
  }

  resetWatches(): void {
    this.#watches?.close();
    this.#watches = undefined;
  }

  close(): void {
    for (const call of this.#outstanding) call.cancel();
    this.reset();
    this.resetWatches();
  }
}
