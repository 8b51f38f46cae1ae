// SPDX-License-Identifier: MPL-2.0
// A store in memory, for testing plugins: the whole interface, and ways to make it misbehave.
import { setImmediate as turn } from 'node:timers/promises';
import { NnoeError } from '../errors.js';
import { checkOperations, keyOf } from '../store/operations.js';
import type {
  Change,
  CommitResult,
  Follow,
  FollowHandlers,
  FollowOptions,
  KeyValue,
  Operation,
  Page,
  Store,
  StoreHealth,
  Transaction,
} from '../store/store.js';
import { MemoryFollow } from './memory-follow.js';

export interface MemoryStoreOptions {
  /** Default: etcd's, 128 operations and 1,500,000 bytes. */
  limits?: { operations: number; bytes: number };
}

export class MemoryStore implements Store {
  readonly name = 'memory';
  readonly limits: { operations: number; bytes: number };
  readonly #entries = new Map<string, KeyValue>();
  readonly #follows = new Set<MemoryFollow>();
  readonly #resets = new Set<() => void>();
  readonly #closing = new AbortController();
  /** For keys that go by themselves. */
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #revision = 1;
  #down: string | undefined;
  #up: (() => void)[] = [];

  constructor(options: MemoryStoreOptions = {}) {
    this.limits = options.limits ?? { operations: 128, bytes: 1_500_000 };
  }

  /** From now on nothing is answered, until `up`. */
  down(reason = 'taken down by the test'): void {
    this.#down = reason;
  }

  up(): void {
    this.#down = undefined;
    for (const resume of this.#up.splice(0)) resume();
  }

  /** Comes back as another, empty store. */
  reset(): void {
    this.#entries.clear();
    this.#revision = 1;
    for (const listener of this.#resets) listener();
    for (const follow of this.#follows) this.#begin(follow);
  }

  /** Resolves when whoever follows is done with every change so far. */
  async settled(): Promise<void> {
    await Promise.all([...this.#follows].map((follow) => follow.settled()));
  }

  /** What is there now below a prefix, key to value as text; for assertions. */
  dump(prefix = ''): Record<string, string> {
    return Object.fromEntries(this.#below(prefix).map(({ key, value }) => [key, value.toString()]));
  }

  get revision(): number {
    return this.#revision;
  }

  health(): StoreHealth {
    if (this.#down === undefined) return { state: 'ok', reason: '' };
    return { state: 'down', code: 'STORE_UNREACHABLE', reason: this.#down };
  }

  async ready(signal?: AbortSignal): Promise<void> {
    await this.#answer(signal);
  }

  async get(key: string, signal?: AbortSignal): Promise<KeyValue | undefined> {
    await this.#answer(signal);
    return this.#entries.get(key);
  }

  async *list(
    prefix: string,
    { pageSize = 1000, after = '', signal }: { pageSize?: number; after?: string; signal?: AbortSignal } = {},
  ): AsyncGenerator<Page> {
    await this.#answer(signal);
    const revision = this.#revision;
    const entries = this.#below(prefix).filter(({ key }) => byBytes(key, after) > 0);
    for (let at = 0; at === 0 || at < entries.length; at += pageSize) {
      await this.#answer(signal);
      yield { revision, entries: entries.slice(at, at + pageSize) };
    }
  }

  async commit({ compare = [], operations }: Transaction, signal?: AbortSignal): Promise<CommitResult> {
    if (Math.max(operations.length, compare.length) > this.limits.operations) refuse('too many operations');
    if (sizeOf(operations) > this.limits.bytes + slack)
      throw new NnoeError('STORE_TOO_LARGE', { endpoint: this.name, reason: `${sizeOf(operations)} bytes` });
    checkOperations(this.name, compare, operations);
    await this.#answer(signal);
    const current = compare.map(({ key }) => this.#entries.get(key));
    if (compare.some(({ modRevision }, i) => (current[i]?.modRevision ?? 0) !== modRevision))
      return { committed: false, revision: this.#revision, retried: false, current };
    if (operations.length > 0) this.#apply(operations);
    return { committed: true, revision: this.#revision, retried: false, current: [] };
  }

  follow(prefix: string, handlers: FollowHandlers, options: FollowOptions = {}): Follow {
    const follow = new MemoryFollow(prefix, handlers, options, () => this.#follows.delete(follow));
    this.#follows.add(follow);
    this.#begin(follow);
    return follow;
  }

  #begin(follow: MemoryFollow): void {
    follow.snapshot(follow.from === 'now' ? [] : this.#below(follow.prefix), this.#revision);
  }

  onReset(listener: () => void): void {
    this.#resets.add(listener);
  }

  async close(): Promise<void> {
    this.#closing.abort(new NnoeError('STORE_CLOSED'));
    for (const timer of this.#timers.values()) clearTimeout(timer);
    await Promise.all([...this.#follows].map((follow) => follow.close()));
  }

  /** Takes a turn of the event loop, as any real store would, and waits while the store is down. */
  async #answer(signal?: AbortSignal): Promise<void> {
    const given = signal === undefined ? [this.#closing.signal] : [this.#closing.signal, signal];
    await turn();
    for (const each of given) each.throwIfAborted();
    while (this.#down !== undefined) {
      let listener: (() => void) | undefined;
      await new Promise<void>((resolve) => {
        listener = resolve;
        this.#up.push(resolve);
        for (const each of given) each.addEventListener('abort', resolve as () => void, { once: true });
      });
      for (const each of given) each.removeEventListener('abort', listener as () => void);
      for (const each of given) each.throwIfAborted();
    }
  }

  #apply(operations: Operation[]): void {
    this.#revision++;
    const changes = operations.flatMap((operation) => this.#change(operation));
    for (const follow of this.#follows) {
      const its = changes.filter((change) => changedKey(change).startsWith(follow.prefix));
      if (its.length > 0) follow.change(its, this.#revision);
    }
  }

  #change(operation: Operation): Change[] {
    const key = keyOf(operation);
    const before = this.#entries.get(key);
    const modRevision = this.#revision;
    this.#time(operation);
    if ('delete' in operation) return this.#entries.delete(key) ? [{ type: 'delete', key, modRevision }] : [];
    const entry = {
      key,
      value: Buffer.from(operation.value),
      createRevision: before?.createRevision ?? modRevision,
      modRevision,
    };
    this.#entries.set(key, entry);
    return [{ type: 'put', entry }];
  }

  /** Sees to it that the key goes when its time has come, and that an earlier time no longer counts. */
  #time(operation: Operation): void {
    const key = keyOf(operation);
    clearTimeout(this.#timers.get(key));
    this.#timers.delete(key);
    if (!('put' in operation) || operation.ttl === undefined) return;
    const timer = setTimeout(() => this.#apply([{ delete: key }]), operation.ttl * 1000);
    this.#timers.set(key, timer.unref());
  }

  #below(prefix: string): KeyValue[] {
    const entries = [...this.#entries.values()].filter(({ key }) => key.startsWith(prefix));
    return entries.sort((a, b) => byBytes(a.key, b.key));
  }
}

/** What a request may weigh beside keys and values, bytes. */
const slack = 60_000;

const sizeOf = (operations: Operation[]) =>
  operations.reduce((sum, operation) => {
    const value = 'put' in operation ? Buffer.byteLength(operation.value) : 0;
    return sum + Buffer.byteLength(keyOf(operation)) + value;
  }, 0);

const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const changedKey = (change: Change) => (change.type === 'put' ? change.entry.key : change.key);

function refuse(reason: string): never {
  throw new NnoeError('STORE_INVALID', { endpoint: 'memory', reason });
}
