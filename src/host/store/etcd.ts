// SPDX-License-Identifier: MPL-2.0
// The stores `etcd` and `etcd-gateway`: keys and values in an etcd cluster (3.4 or later), over gRPC or over its
// HTTP/JSON gateway. What differs between them is in etcd-grpc.ts and gateway.ts.
import { NnoeError } from '../errors.js';
import { EtcdClient, type EtcdOptions } from './etcd-client.js';
import { EtcdFollow } from './etcd-follow.js';
import { grpcProtocol } from './etcd-grpc.js';
import { type Lease, Leases } from './etcd-leases.js';
import { type ListOptions, Pages } from './etcd-pages.js';
import type {
  LeasedOperation,
  LeaseGrant,
  Protocol,
  RangeQuery,
  RangeReply,
  TxnReply,
} from './etcd-protocol.js';
import { gatewayProtocol } from './gateway.js';
import { abortable, checkTtl, tooLarge } from './operations.js';
import type {
  CommitResult,
  Follow,
  FollowHandlers,
  FollowOptions,
  KeyValue,
  Operation,
  Page,
  Store,
  StoreHealth,
  StoreObserver,
  Transaction,
} from './store.js';

export type { EtcdOptions } from './etcd-client.js';

/** etcd's --max-txn-ops and --max-request-bytes as they are by default, less what it adds itself. */
const limits = { operations: 128, bytes: 1_500_000 } as const;
/** Without calls the store is asked this often (s) whether it is still there, and still the same. */
const probeEvery = 5;

class EtcdStore implements Store {
  readonly name: string;
  readonly limits = limits;
  readonly #protocol: Protocol;
  readonly #client: EtcdClient;
  readonly #root: string;
  readonly #follows = new Set<EtcdFollow>();
  readonly #leases: Leases;
  readonly #pages: Pages;
  readonly #probe: NodeJS.Timeout;
  #probing = false;

  constructor(protocol: Protocol, options: EtcdOptions) {
    this.name = protocol.name;
    this.#protocol = protocol;
    this.#client = new EtcdClient(protocol, options);
    this.#root = `${options.root ?? '/nnoe'}/`;
    this.#leases = new Leases((lease, again) => this.#grant(lease, again));
    this.#pages = new Pages((query, signal) => this.#range(query, signal));
    this.#client.onReset(() => this.#leases.forget());
    this.#probe = setInterval(() => this.#probeIdle(), probeEvery * 1000);
    this.#probe.unref();
  }

  health(): StoreHealth {
    return this.#client.health();
  }

  cluster(): string | undefined {
    return this.#client.cluster;
  }

  observe(observer: StoreObserver): void {
    this.#client.observer = observer;
  }

  async ready(signal?: AbortSignal): Promise<void> {
    await this.#revision(signal);
  }

  async #revision(signal?: AbortSignal): Promise<number> {
    return (await this.#range({ key: this.#root, countOnly: true }, signal)).header.revision;
  }

  #probeIdle(): void {
    const idle = performance.now() - this.#client.lastAnswer;
    if (this.#probing || (this.#client.lastAnswer > 0 && idle < probeEvery * 1000 - 100)) return;
    this.#probing = true;
    this.ready(this.#client.closing)
      // Only closing ends it otherwise; trouble shows in health.
      .catch(() => undefined)
      .finally(() => {
        this.#probing = false;
      });
  }

  #range(query: RangeQuery, signal?: AbortSignal): Promise<RangeReply> {
    return this.#client.request(this.#protocol.range(query), signal);
  }

  async get(key: string, signal?: AbortSignal): Promise<KeyValue | undefined> {
    return (await this.#range({ key }, signal)).entries[0];
  }

  list(prefix: string, options: ListOptions = {}): AsyncIterable<Page> {
    return this.#pages.list(prefix, options);
  }

  async commit(transaction: Transaction, signal?: AbortSignal): Promise<CommitResult> {
    const { compare = [], operations } = transaction;
    if (operations.length === 0 && compare.length > 0) return this.#check(compare, signal);
    const count = Math.max(compare.length, operations.length);
    if (count > limits.operations) throw tooLarge(`${count} operations`);
    for (const operation of operations) if ('put' in operation) checkTtl(this.name, operation);
    let retried = false;
    const again = () => {
      retried = true;
    };
    const reply = await this.#transact(transaction, signal, again);
    const { revision } = reply.header;
    if (reply.succeeded) return { committed: true, revision, retried, current: [] };
    return { committed: false, revision, retried, current: (await this.#read(compare, signal)).current };
  }

  async #transact(
    { compare = [], operations }: Transaction,
    signal: AbortSignal | undefined,
    again: () => void,
  ): Promise<TxnReply> {
    for (;;) {
      const { leased, serve } = await this.#leased(operations, signal);
      const request = this.#protocol.txn(compare, leased);
      if (request.size > limits.bytes + 60_000) throw tooLarge(`${request.size} bytes`);
      try {
        return await this.#client.request(request, signal, () => {
          again();
          // After an outage a key would go too early with it.
          if (!serve()) throw new NnoeError('STORE_LEASE', { endpoint: '-', reason: 'the lease has aged' });
        });
      } catch (error) {
        if ((error as { code?: string }).code !== 'STORE_LEASE') throw error;
        if (serve()) this.#leases.forget();
      }
    }
  }

  /** With the lease of each put that has a ttl, and whether those leases do for a put that is sent now. */
  async #leased(
    operations: readonly Operation[],
    signal: AbortSignal | undefined,
  ): Promise<{ leased: readonly LeasedOperation[]; serve: () => boolean }> {
    const leased: LeasedOperation[] = [];
    const used: { lease: Lease; ttl: number }[] = [];
    for (const operation of operations) {
      const ttl = 'put' in operation ? operation.ttl : undefined;
      signal?.throwIfAborted();
      if (ttl === undefined) leased.push(operation);
      else {
        const lease = await abortable(this.#leases.find(ttl), signal);
        used.push({ lease, ttl });
        leased.push({ ...operation, lease: lease.id });
      }
    }
    return { leased, serve: () => used.every(({ lease, ttl }) => this.#leases.serves(lease, ttl)) };
  }

  async #grant(lease: LeaseGrant, again: () => void): Promise<boolean> {
    try {
      await this.#client.request(this.#protocol.grant(lease), undefined, again);
      return true;
    } catch (error) {
      // An earlier attempt made it, and its answer was lost.
      if (/lease already exists/.test(String(error))) return false;
      throw error;
    }
  }

  /** A transaction without operations only reads; it never enters the cluster's log. */
  async #check(compare: NonNullable<Transaction['compare']>, signal?: AbortSignal): Promise<CommitResult> {
    const { revision, current } = await this.#read(compare, signal);
    const holds = compare.every(({ modRevision }, i) => (current[i]?.modRevision ?? 0) === modRevision);
    return { committed: holds, revision, retried: false, current: holds ? [] : current };
  }

  async #read(compare: readonly { key: string }[], signal?: AbortSignal) {
    const request = this.#protocol.reads(compare.map(({ key }) => key));
    const { header, ranges } = await this.#client.request(request, signal);
    return { revision: header.revision, current: compare.map((_, i) => ranges[i]?.[0]) };
  }

  follow(prefix: string, handlers: FollowHandlers, options: FollowOptions = {}): Follow {
    const follow = new EtcdFollow({
      ...{ protocol: this.#protocol, client: this.#client, prefix, handlers, options },
      list: (options) => this.list(prefix, options),
      revision: (signal) => this.#revision(signal),
      ended: () => this.#follows.delete(follow),
    });
    this.#follows.add(follow);
    return follow;
  }

  onReset(listener: () => void): void {
    this.#client.onReset(listener);
  }

  async close(): Promise<void> {
    clearInterval(this.#probe);
    const closed = [...this.#follows].map((follow) => follow.close());
    this.#client.close();
    await Promise.all(closed);
  }
}

/** Connects in the background; `ready` says when it stands. */
export const etcdStore = (options: EtcdOptions): Store => new EtcdStore(grpcProtocol, options);

/** The same over HTTP/JSON, for networks that let no gRPC through. */
export const gatewayStore = (options: EtcdOptions): Store => new EtcdStore(gatewayProtocol, options);
