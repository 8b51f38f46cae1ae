// SPDX-License-Identifier: MPL-2.0
// Calls to a cluster: which member, with which login, how long, how often; and what the answers say about the
// cluster. A call is tried until it is answered, its signal aborts, or no retry can mend the error.
import * as grpc from '@grpc/grpc-js';
import { NnoeError, reasonOf } from '../errors.js';
import { backOff } from './backoff.js';
import { Endpoint, type TlsFiles } from './etcd-endpoint.js';
import { classify } from './etcd-errors.js';
import type { Header } from './etcd-wire.js';
import type { StoreHealth } from './store.js';

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port`. */
  endpoints: string[];
  user?: string | undefined;
  /** Called at every login, so that a changed password is picked up. */
  password?: (() => string) | undefined;
  tls?: TlsFiles | undefined;
  /** Time for an attempt on a member that is not connected yet, s. */
  connectTimeout?: number;
  /** Time for an attempt on a connected member, s. */
  requestTimeout?: number;
  /** Above every key in use: where the host asks whether the store answers. */
  root?: string;
}

export class EtcdClient {
  readonly #endpoints: Endpoint[];
  #at = 0;
  readonly #options: EtcdOptions;
  readonly #connectMs: number;
  readonly #requestMs: number;
  readonly #anonymous = new grpc.Metadata();
  #login: Promise<grpc.Metadata> | undefined;
  readonly #closing = new AbortController();
  /** Calls that have failed at least once and are still being tried, latest last. */
  readonly #troubled = new Map<object, NnoeError>();
  #cluster: string | undefined;
  #revision = 0;
  /** Monotonic ms of the last answer; 0: none yet. */
  lastAnswer = 0;
  readonly #resets = new Set<() => void>();

  constructor(options: EtcdOptions) {
    this.#options = options;
    this.#connectMs = (options.connectTimeout ?? 5) * 1000;
    this.#requestMs = (options.requestTimeout ?? 10) * 1000;
    this.#endpoints = options.endpoints.map((url) => new Endpoint(url, options.tls ?? {}));
    if (this.#endpoints.length === 0)
      throw new NnoeError('STORE_INVALID', { endpoint: '-', reason: 'no endpoints' });
  }

  get requestMs(): number {
    return this.#requestMs;
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  health(): StoreHealth {
    const trouble = [...this.#troubled.values()].at(-1);
    if (trouble !== undefined) return { state: 'down', code: trouble.code, reason: trouble.message };
    if (this.lastAnswer === 0) return { state: 'starting', reason: 'connecting to etcd' };
    return { state: 'ok', reason: `etcd at ${this.#current().url} answers` };
  }

  #current(): Endpoint {
    return this.#endpoints[this.#at] as Endpoint;
  }

  /**
   * @param read decodes the answer; its header is checked against what was known when the call was sent:
   * all our calls are linearizable, so a lower revision means that the store lost data.
   * @param again called before every attempt but the first.
   */
  async request<R extends { header: Header }>(
    path: string,
    payload: Buffer,
    read: (bytes: Buffer) => R,
    signal?: AbortSignal,
    again?: () => void,
  ): Promise<R> {
    for (let failures = 1; ; failures++) {
      if (this.closing.aborted) throw new NnoeError('STORE_CLOSED');
      signal?.throwIfAborted();
      const floor = this.#revision;
      const endpoint = this.#current();
      try {
        const reply = read(await this.#attempt(endpoint, path, payload, signal));
        if (failures > 1) this.#troubled.delete(payload);
        this.#answered(reply.header, floor);
        return reply;
      } catch (thrown) {
        await this.#failed(thrown, endpoint, payload, failures, signal);
        again?.();
      }
    }
  }

  async #attempt(
    endpoint: Endpoint,
    path: string,
    payload: Buffer,
    signal: AbortSignal | undefined,
  ): Promise<Buffer> {
    const metadata = this.#options.user === undefined ? this.#anonymous : await this.#loggedIn(endpoint);
    const limit = endpoint.connected ? this.#requestMs : Math.min(this.#connectMs, this.#requestMs);
    return endpoint.call(path, payload, metadata, limit, signal);
  }

  /** Sees to it that the next attempt can do better; throws when there is to be none. */
  async #failed(
    thrown: unknown,
    endpoint: Endpoint,
    payload: Buffer,
    failures: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.closing.aborted) throw new NnoeError('STORE_CLOSED');
    const trouble = this.#understand(thrown, endpoint);
    // The next two are for the caller: the same question would get the same answer.
    const answered = trouble.code === 'STORE_COMPACTED' || trouble.code === 'STORE_LEASE';
    if (signal?.aborted || !trouble.retry || answered) {
      this.#troubled.delete(payload);
      throw signal?.aborted ? signal.reason : trouble;
    }
    if (trouble.code === 'STORE_TOKEN' && failures === 1) return;
    this.#troubled.delete(payload);
    this.#troubled.set(payload, trouble);
    this.moveOn(endpoint);
    const cycle = Math.ceil(failures / this.#endpoints.length);
    try {
      await backOff(cycle, signal ? AbortSignal.any([signal, this.closing]) : this.closing);
    } catch {
      this.#troubled.delete(payload);
      throw this.closing.aborted ? new NnoeError('STORE_CLOSED') : signal?.reason;
    }
  }

  #understand(thrown: unknown, endpoint: Endpoint): NnoeError {
    const seconds = (endpoint.connected ? this.#requestMs : this.#connectMs) / 1000;
    const trouble = classify(thrown, { endpoint: endpoint.url, certificate: endpoint.certificate, seconds });
    if (['STORE_TOKEN', 'STORE_AUTH_FAILED', 'STORE_DENIED'].includes(trouble.code)) this.#login = undefined;
    // A connection whose peer went silent would be used again, and a channel keeps its certificates.
    if (trouble.code === 'STORE_TIMEOUT' || trouble.code === 'STORE_CERTIFICATE') endpoint.reset();
    return trouble;
  }

  /** Uses the next member from now on, unless somebody has moved on from this one already. */
  moveOn(endpoint: Endpoint): void {
    if (this.#current() === endpoint) this.#at = (this.#at + 1) % this.#endpoints.length;
  }

  #loggedIn(endpoint: Endpoint): Promise<grpc.Metadata> {
    this.#login ??= this.#logIn(endpoint).catch((error) => {
      this.#login = undefined;
      throw error;
    });
    return this.#login;
  }

  async #logIn(endpoint: Endpoint): Promise<grpc.Metadata> {
    const metadata = new grpc.Metadata();
    let password: string;
    try {
      password = this.#options.password?.() ?? '';
    } catch (error) {
      throw new NnoeError('STORE_AUTH_FAILED', { endpoint: endpoint.url, reason: reasonOf(error) }, error);
    }
    const limit = Math.min(this.#connectMs, this.#requestMs);
    try {
      metadata.set('token', await endpoint.login(this.#options.user ?? '', password, limit));
    } catch (error) {
      // As etcd's own clients do: a cluster without authentication takes everybody.
      if (!/authentication is not enabled/.test(reasonOf(error))) throw error;
    }
    return metadata;
  }

  #answered(header: Header, floor: number): void {
    this.lastAnswer = performance.now();
    this.observe(header, floor);
  }

  /** Another cluster, or a revision below one that was seen before the question was sent: another store. */
  observe(header: Header, floor: number): void {
    // Nothing to go by; only a proxy that leaves headers out would do that.
    if (header.cluster === '') return;
    const known = this.#cluster;
    this.#cluster = header.cluster;
    if (known !== undefined && (known !== header.cluster || header.revision < floor)) {
      this.#revision = header.revision;
      for (const listener of [...this.#resets]) listener();
    } else if (header.revision > this.#revision) this.#revision = header.revision;
  }

  onReset(listener: () => void): () => void {
    this.#resets.add(listener);
    return () => this.#resets.delete(listener);
  }

  /** A watch at the member in use; `hasleader` makes a member that was cut off end it. */
  async watch(): Promise<{ endpoint: Endpoint; stream: grpc.ClientDuplexStream<Buffer, Buffer> }> {
    const endpoint = this.#current();
    const login = this.#options.user === undefined ? this.#anonymous : await this.#loggedIn(endpoint);
    const metadata = login.clone();
    metadata.set('hasleader', 'true');
    return { endpoint, stream: endpoint.watch(metadata) };
  }

  /** What ended a watch, for the record; the next one goes to another member. */
  watchFailed(thrown: unknown, endpoint: Endpoint): void {
    this.#understand(thrown, endpoint);
    endpoint.resetWatches();
    this.moveOn(endpoint);
  }

  close(): void {
    this.#closing.abort();
    for (const endpoint of this.#endpoints) endpoint.close();
  }
}
