// SPDX-License-Identifier: MPL-2.0
// What a plugin is given: only what it declared. The types refuse the rest at compile time, and these objects
// refuse it again for plugins that were not compiled against them.
import { NnoeError } from '../errors.js';
import type { Logger } from '../log.js';
import type { Context, Declarations, PrefixSpec, ReadPrefix } from '../plugin.js';
import type { Follow, FollowHandlers, Store, Transaction } from '../store/store.js';

/** What a context needs of the life it belongs to. */
export interface ContextParts {
  plugin: string;
  config: Record<string, unknown>;
  node: string;
  log: Logger;
  store: Store;
  /** Above every prefix, without trailing slash. */
  root: string;
  prefixes: Record<string, PrefixSpec>;
  metrics: Record<string, unknown>;
  signal: AbortSignal;
  requestWalk(source?: string): void;
  /** Fails the plugin with an error of the table. */
  fail(error: NnoeError): void;
  onReset(listener: () => void): void;
  /** Closed when the life ends. */
  keep(follow: Follow): void;
  every(seconds: number, work: (signal: AbortSignal) => Promise<void>): void;
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

export function createContext(parts: ContextParts): Context<Declarations> {
  const { plugin, store, root, signal } = parts;
  const specs = Object.entries(parts.prefixes);
  const prefixes: Record<string, ReadPrefix> = {};
  for (const [name, spec] of specs) prefixes[name] = createPrefix(`${root}/${spec.prefix}`, parts);
  const readable = specs.map(([, spec]) => `${root}/${spec.prefix}`);
  const writable = specs
    .filter(([, spec]) => spec.access === 'write')
    .map(([, spec]) => `${root}/${spec.prefix}`);
  const refuse = (what: string): never => {
    throw new NnoeError('PLUGIN_UNDECLARED', { plugin, what });
  };
  const check = ({ compare = [], operations }: Transaction) => {
    for (const { key } of compare) if (!below(readable, key)) refuse(`key ${key}`);
    for (const operation of operations) {
      const key = 'put' in operation ? operation.put : operation.delete;
      if (!below(writable, key)) refuse(`key ${key} for writing`);
    }
  };
  return guarded<Context<Declarations>>(plugin, '', {
    config: parts.config,
    log: parts.log,
    node: parts.node,
    prefix: guarded(plugin, 'prefix ', prefixes),
    metrics: guarded(plugin, 'metric ', parts.metrics as Context<Declarations>['metrics']),
    signal,
    limits: store.limits,
    async commit(transaction, also) {
      check(transaction);
      // A batch's signal is this one; making a combined one for every transaction would cost and leak.
      const both = also === undefined || also === signal ? signal : AbortSignal.any([signal, also]);
      const began = performance.now();
      const result = await store.commit(transaction, both);
      parts.observer?.committed((performance.now() - began) / 1000);
      return result;
    },
    onStoreReset: (listener) => parts.onReset(listener),
    requestWalk: (source) => parts.requestWalk(source),
    every: (seconds, work) => parts.every(seconds, work),
  });
}

const below = (prefixes: readonly string[], key: string) => prefixes.some((prefix) => key.startsWith(prefix));

function createPrefix(prefix: string, parts: ContextParts): ReadPrefix {
  const { store, signal, plugin } = parts;
  return {
    key: (name) => prefix + name,
    name: (key) => (key.startsWith(prefix) ? key.slice(prefix.length) : undefined),
    get: (name) => store.get(prefix + name, signal),
    list: ({ pageSize, after } = {}) =>
      store.list(prefix, {
        signal,
        ...(pageSize === undefined ? {} : { pageSize }),
        ...(after === undefined ? {} : { after: prefix + after }),
      }),
    follow(handlers) {
      parts.keep(store.follow(prefix, guardedHandlers(handlers, prefix, plugin, parts)));
    },
  };
}

/** The store stops a follow whose handler threw and says so through `error`; that fails the plugin. */
function guardedHandlers(
  handlers: FollowHandlers,
  prefix: string,
  plugin: string,
  { signal, fail, observer }: ContextParts,
): FollowHandlers {
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
      handlers.error(error);
    },
  };
}

/** Reading a name that is not there throws, instead of giving undefined. */
function guarded<T extends object>(plugin: string, kind: string, target: T): T {
  return new Proxy(target, {
    get(object, name, receiver) {
      // Symbols and `then` are asked for by the language itself (await, inspection).
      if (typeof name === 'string' && name !== 'then' && name !== 'toJSON' && !Object.hasOwn(object, name))
        throw new NnoeError('PLUGIN_UNDECLARED', { plugin, what: kind + name });
      return Reflect.get(object, name, receiver);
    },
    set: () => false,
  });
}
