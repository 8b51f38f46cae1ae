// SPDX-License-Identifier: MPL-2.0
// One declared prefix: what the contract's ReadPrefix and WritePrefix do, on the store.
import { NnoeError } from '../errors.js';
import type { FollowHandlers, PrefixSpec, ReadPrefix, WritePrefix } from '../plugin/prefixes.js';
import type {
  CommitResult,
  Follow,
  KeyValue,
  Operation,
  Store,
  FollowHandlers as StoreFollowHandlers,
  Transaction,
} from '../store/store.js';

/** What a prefix needs of the life it belongs to. */
export interface PrefixParts {
  plugin: string;
  store: Store;
  /** Above every prefix, without trailing slash. */
  root: string;
  signal: AbortSignal;
  /** Fails the plugin with an error of the table. */
  fail(error: NnoeError): void;
  /** Closed when the life ends. */
  keep(follow: Follow): void;
  observer?: ContextObserver;
}

/** Whoever counts what the plugin does with the store. */
export interface ContextObserver {
  /** A prefix is being followed; the function returned is called when its first snapshot was taken in. */
  following(prefix: string): () => void;
  changes(count: number): void;
  /** A transaction was answered after so many seconds. */
  committed(seconds: number): void;
}

export function createPrefix(name: string, spec: PrefixSpec, parts: PrefixParts): ReadPrefix | WritePrefix {
  const { store, signal, plugin } = parts;
  const prefix = `${parts.root}/${spec.prefix}`;
  const read: ReadPrefix = {
    key: (name) => prefix + name,
    name: (key) => (key.startsWith(prefix) ? key.slice(prefix.length) : undefined),
    get: (name) => store.get(prefix + name, signal),
    list: ({ pageSize, after } = {}) =>
      store.list(prefix, {
        signal,
        ...(pageSize === undefined ? {} : { pageSize }),
        ...(after === undefined ? {} : { after: prefix + after }),
      }),
    follow: (handlers) => parts.keep(store.follow(prefix, guardedHandlers(handlers, prefix, parts))),
    mirror: (parse) => mirror(read, parse, signal),
  };
  if (spec.access === 'write') return { ...read, ...writing(prefix, parts) };
  const refuse = async (): Promise<never> => {
    throw new NnoeError('PLUGIN_UNDECLARED', { plugin, what: `prefix ${name} for writing` });
  };
  // Not in the type: for plugins that were not compiled against it.
  return Object.assign(read, { put: refuse, create: refuse, delete: refuse });
}

function writing(prefix: string, parts: PrefixParts) {
  const commit = (transaction: Transaction) => commitObserved(parts, transaction, parts.signal);
  const run = async (operation: Operation) => void (await commit({ operations: [operation] }));
  return {
    put: (name: string, value: string | Buffer) => run({ put: prefix + name, value }),
    delete: (name: string) => run({ delete: prefix + name }),
    async create(name: string, value: string | Buffer) {
      const key = prefix + name;
      const transaction = { compare: [{ key, modRevision: 0 }], operations: [{ put: key, value }] };
      const { committed, retried, current } = await commit(transaction);
      // The answer of an earlier attempt may have been lost, and it be this value that stands in the way.
      return committed || (retried && current[0]?.value.equals(Buffer.from(value)) === true);
    },
  };
}

/** As the store's, with what the observer is told. */
export async function commitObserved(
  { store, observer }: Pick<PrefixParts, 'store' | 'observer'>,
  transaction: Transaction,
  signal: AbortSignal,
): Promise<CommitResult> {
  const began = performance.now();
  const result = await store.commit(transaction, signal);
  observer?.committed((performance.now() - began) / 1000);
  return result;
}

/** The store stops a follow whose handler threw and says so through `error`; that fails the plugin. */
function guardedHandlers(handlers: FollowHandlers, prefix: string, parts: PrefixParts): StoreFollowHandlers {
  const { plugin, signal, fail, observer } = parts;
  const shown = observer?.following(prefix);
  return {
    async snapshot(entries, revision) {
      if (signal.aborted) return;
      await handlers.snapshot(entries, revision);
      shown?.();
    },
    async change(changes, revision) {
      if (signal.aborted) return;
      await handlers.change(changes, revision);
      observer?.changes(changes.length);
    },
    error(error) {
      if (signal.aborted) return;
      fail(new NnoeError('PLUGIN_FOLLOW_FAILED', { plugin, prefix, reason: error.message }, error));
      handlers.error?.(error);
    },
  };
}

function mirror<T>(
  prefix: ReadPrefix,
  parse: (value: Buffer, name: string) => T | undefined,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, T>> {
  const map = new Map<string, T>();
  const drop = (key: string) => map.delete(prefix.name(key) ?? '');
  const put = ({ key, value }: KeyValue) => {
    const name = prefix.name(key) ?? '';
    const parsed = parse(value, name);
    if (parsed === undefined) map.delete(name);
    else map.set(name, parsed);
  };
  const filled = new Promise<ReadonlyMap<string, T>>((resolve, reject) => {
    signal.throwIfAborted();
    const aborted = () => reject(signal.reason as Error);
    signal.addEventListener('abort', aborted, { once: true });
    prefix.follow({
      snapshot(entries) {
        map.clear();
        for (const entry of entries) put(entry);
        signal.removeEventListener('abort', aborted);
        resolve(map);
      },
      change(changes) {
        for (const change of changes) change.type === 'put' ? put(change.entry) : drop(change.key);
      },
      error: reject,
    });
  });
  // Whoever does not wait for it is told by the life's end; as an unhandled rejection it would end the host.
  filled.catch(() => undefined);
  return filled;
}
