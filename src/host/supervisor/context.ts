// SPDX-License-Identifier: MPL-2.0
// What a plugin is given: only what it declared. The types refuse the rest at compile time, and these objects
// refuse it again for plugins that were not compiled against them.
import { NnoeError, reasonOf } from '../errors.js';
import type { TableProvider } from '../plugin/tables.js';
import type { Context, Declarations, PluginLog, PrefixSpec, Publishes } from '../plugin.js';
import type { Transaction } from '../store/store.js';
import { commitObserved, createPrefix, type PrefixParts } from './prefix.js';

/** What a context needs of the life it belongs to. */
export interface ContextParts extends PrefixParts {
  config: Record<string, unknown>;
  node: string;
  log: PluginLog;
  prefixes: Record<string, PrefixSpec>;
  metrics: Record<string, unknown>;
  publishes: Publishes | undefined;
  tables: TableProvider;
  requestWalk(source?: string): void;
  onReset(listener: () => void): void;
  every(seconds: number, work: (signal: AbortSignal) => Promise<void>): void;
}

export function createContext(parts: ContextParts): Context<Declarations> {
  const { plugin, store, root, signal } = parts;
  const specs = Object.entries(parts.prefixes);
  const prefixes = Object.fromEntries(specs.map(([name, spec]) => [name, createPrefix(name, spec, parts)]));
  const tables = Object.entries(parts.publishes ?? {}).map(([name, { table }]) => [
    name,
    parts.tables.open(table, signal, (error) =>
      parts.fail(new NnoeError('PLUGIN_TABLE_FAILED', { plugin, table, reason: reasonOf(error) }, error)),
    ),
  ]);
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
    table: guarded(plugin, 'table ', Object.fromEntries(tables)),
    metrics: guarded(plugin, 'metric ', parts.metrics as Context<Declarations>['metrics']),
    signal,
    limits: store.limits,
    async commit(transaction, also) {
      check(transaction);
      // A batch's signal is this one; making a combined one for every transaction would cost and leak.
      const both = also === undefined || also === signal ? signal : AbortSignal.any([signal, also]);
      return commitObserved(parts, transaction, both);
    },
    onStoreReset: (listener) => parts.onReset(listener),
    requestWalk: (source) => parts.requestWalk(source),
    every(seconds, work) {
      // Beyond 2^31 ms timers fire at once.
      if (!(seconds >= 0.01 && seconds <= 86_400))
        throw new RangeError(`every ${seconds} s; it takes 0.01 to 86400`);
      parts.every(seconds, work);
    },
  });
}

const below = (prefixes: readonly string[], key: string) => prefixes.some((prefix) => key.startsWith(prefix));

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
