// SPDX-License-Identifier: MPL-2.0
// Every message that the host logs besides errors (errors.ts), as a table: the code is stable, so that people
// can filter by it and look it up. `{name}` in a text is replaced by the detail of that name.

export interface MessageSpec {
  level: 'debug' | 'info' | 'warn' | 'error';
  text: string;
  /** For the operator, where the text does not say it all. */
  help?: string;
}

export const messages = {
  CONTROL_LISTENING: { level: 'info', text: 'control socket at {socket}' },
  HEALTH_CHANGED: {
    level: 'info',
    text: '{what} is {state}: {reason}',
    help: 'Logged once for each change; /health shows the present state.',
  },
  HEALTH_WORSE: {
    level: 'warn',
    text: '{what} is {state}: {reason}',
    help: 'Logged once for each change; /health shows the present state.',
  },
  HOST_STARTED: { level: 'info', text: 'host runs on node {node} with plugins {plugins}' },
  HOST_STOPPED: { level: 'info', text: 'host stopped' },
  HOST_STOPPING: { level: 'info', text: 'host stops: {reason}' },
  HOST_STOP_DRAIN: {
    level: 'warn',
    text: 'batches of {plugins} did not settle in time and are given up',
    help: 'Their cursors stay where they are; the batches are delivered again at the next start.',
  },
  HOST_READY: { level: 'info', text: 'host is ready, {seconds} s after its start' },
  HOST_UNREADY: {
    level: 'warn',
    text: 'host is no longer ready: {reason}',
    help: '/ready names every reason, with what to do about it.',
  },
  HTTP_LISTENING: { level: 'info', text: 'health and metrics on http://{address}' },
  PLUGIN_LATE: {
    level: 'warn',
    text: 'plugin {plugin} settled a batch of {source} after it had been given up; it does not count',
  },
  PLUGIN_RESTART: { level: 'info', text: 'plugin {plugin} starts again in {seconds} s' },
  PLUGIN_STARTED: { level: 'info', text: 'plugin {plugin} runs' },
  READY_HOST_STOPS: {
    level: 'info',
    text: 'the host stops',
    help: 'It was told to. What is outstanding settles first; [stop] deadline is the longest that takes.',
  },
  READY_JOURNAL_REPLAY: {
    level: 'info',
    text: '{consumer} has {records} records to go to where the journal stood when it was opened',
    help: 'What happened while the host was away is being caught up with. When the number stands still, look at the plugin and at the store.',
  },
  READY_JOURNAL_STORE: {
    level: 'info',
    text: 'the store has not said yet whether it holds what was written before',
    help: 'It waits for the store to answer. A store that was lost or put back from a backup meanwhile gets Kea’s leases again by a walk.',
  },
  READY_JOURNAL_WALK: {
    level: 'info',
    text: 'a complete walk over Kea’s lease database is owed since {after}',
    help: 'Plugins do not know all leases before it. Kea’s hook makes the walk when it runs; check that Kea does, and look for NNOE_WALK_BEGIN and NNOE_WALK_END in its log.',
  },
  READY_PART_FAILED: {
    level: 'info',
    text: '{what} says that it failed: {reason}',
    help: 'The reason is in its own words; its README lists what they mean. The host starts a plugin again when it fails.',
  },
  READY_PLUGIN_SETUP: {
    level: 'info',
    text: 'it is being set up',
    help: 'Setting up may wait for the store. When it lasts, the store is the first thing to look at.',
  },
  READY_PLUGIN_SNAPSHOT: {
    level: 'info',
    text: 'it has not been shown yet what the store holds below {prefixes}',
    help: 'The first listing waits for the store, and then for the plugin to take it in.',
  },
  READY_STORE_CONNECTING: {
    level: 'info',
    text: 'the store has not answered yet: {reason}',
    help: 'Connecting. It is named here because something waits for it.',
  },
  RULINGS_CUT: {
    level: 'warn',
    text: 'a bridge that asks about queries without a program was cut off: {reason}',
    help: 'What it sent is no question as this release knows them. It connects again. A bridge of another release has to be replaced by the one of this host’s, and dnsdist restarted.',
  },
  RULINGS_LISTENING: { level: 'info', text: 'bridges ask about queries without a program at {socket}' },
  SOURCE_CURSOR_DROPPED: {
    level: 'warn',
    text: 'journal {source} kept a position for {consumer}, which is not configured; removed',
    help: 'Otherwise the journal would grow to its cap waiting for it.',
  },
  SOURCE_CURSOR_NEW: {
    level: 'info',
    text: 'journal {source}: {consumer} begins after {after}',
  },
  SOURCE_GAP: {
    level: 'warn',
    text: 'journal {source}: {consumer} misses {count} events before {seq} ({reason})',
    help: 'Consumers that replay get the present state from Kea’s lease database by a walk, which the hook or the host starts.',
  },
  SOURCE_LOST: {
    level: 'warn',
    text: 'journal {source} was removed or replaced in {directory}; attaching again',
  },
  SOURCE_MARK_FAILED: {
    level: 'warn',
    text: 'journal {source}: whether the store is still the one of before is not known: {reason}',
    help: 'It is asked again in a minute. Until then a store that lost something is not noticed; `nnoe resync` makes up for that.',
  },
  SOURCE_OPENED: {
    level: 'info',
    text: 'journal {source} opened in {directory}: id {id}, {oldest} to {head}',
  },
  SOURCE_STORE_LOST: {
    level: 'warn',
    text: 'journal {source}: the store lost what was written into it before: {reason}',
    help: 'It was emptied, replaced, or put back from a backup. Leases are written again by a walk over Kea’s lease database, which is owed from now on; what people had written (roles, policies, threats) is not, and history is gone.',
  },
  SOURCE_WALK_DONE: {
    level: 'info',
    text: 'journal {source}: the walk that was owed is complete ({leases} leases)',
  },
  SOURCE_WALK_OWED: {
    level: 'info',
    text: 'journal {source} owes a walk that begins after {after}: {reason}',
    help: 'Remembered on disk until one is complete.',
  },
  SOURCE_WALK_REQUESTED: { level: 'info', text: 'journal {source}: asked the Kea hook for a walk' },
  STORE_CACHE_DISCARDED: {
    level: 'warn',
    text: 'the cache of the store begins anew: {reason}',
    help: 'It held copies of what plugins follow, for starts without the store; the next answer of the store fills it again. The old file stands beside it as cache.mdb.damaged and can be removed.',
  },
  STORE_CACHE_EVICTED: {
    level: 'info',
    text: 'the cache of the store gave up its copy of {prefix}: {reason}',
    help: 'See max-size and ttl in [store.cache]. Copies are kept whole or not at all.',
  },
  STORE_CACHE_FRESH: { level: 'info', text: '{prefix} is served by the store again' },
  STORE_CACHE_KEY_TOO_LONG: {
    level: 'warn',
    text: 'no copy of {prefix} is kept: it holds a key of {size} bytes, {most} at most',
    help: 'Everything works, but a start while the store cannot be reached finds no copy of it. When the key is gone, the next start of the host makes one.',
  },
  STORE_CACHE_OFF: {
    level: 'warn',
    text: 'what plugins follow is not kept on disk: {reason}',
    help: 'Everything works, but a start while the store cannot be reached finds no copy. Correct directory in [store], or set ttl in [store.cache] to 0.',
  },
  STORE_CACHE_SERVED: {
    level: 'warn',
    text: 'plugins are given {prefix} as it was {age} s ago: {reason}',
    help: 'The store has not been reachable since the start; health says stale. What is written waits until it is.',
  },
  STORE_CACHE_UNWRITTEN: {
    level: 'warn',
    text: 'the copy of {prefix} is not kept up to date: {reason}',
    help: 'The older copy stays and shows its age. Usually the disk is full.',
  },
  STORE_CHECKED: { level: 'info', text: '{file} was read through: it is sound' },
  STORE_CHECKING: {
    level: 'info',
    text: '{file} was not closed in order; it is read through while it serves',
    help: 'A kill does not harm it. A power cut can, where the disk says too early that it has written. What is found is logged, and shown in health when it is damage.',
  },
  STORE_UNCHECKED: {
    level: 'warn',
    text: '{file} could not be read through: {reason}',
    help: 'It is not known to be damaged, and is used. It is read through again at the next start.',
  },
  TABLES_OPENED: {
    level: 'info',
    text: 'tables are written in {directory}; generation {generation} is there',
    help: 'Generation 0: nothing was published yet.',
  },
} as const satisfies Record<string, MessageSpec>;

export type MessageCode = keyof typeof messages;
