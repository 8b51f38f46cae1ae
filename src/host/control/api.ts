// SPDX-License-Identifier: MPL-2.0
// What passes over the control socket: HTTP/1.1 on a Unix domain socket, JSON or NDJSON (one object a line).
// The only description of it, shared by the host and by the `nnoe` command, whose --json prints these shapes.
//
//   GET  /v1/status                                    StatusReport
//   GET  /v1/plugins                                   PluginList
//   GET  /v1/roles                                     RolesReport
//   GET  /v1/roles?client=A                            ClientReport
//   GET  /v1/leases[?address=A|prefix=CIDR]            LeaseLine...: lease*, end
//   GET  /v1/leases?watch=1[&snapshot=1][&address=..]  LeaseLine...: lease*, live, put/delete*, until somebody closes
//   POST /v1/resync[?source=NAME][&wait=0]             ResyncLine...: walk*, end
//   GET  /v1/store/get?key=K                           StoreEntry
//   GET  /v1/store/list?prefix=P                       StoreListing
//   POST /v1/store/put?key=K, the value as its body    StorePut
//   POST /v1/store/delete?key=K                        StoreDeleted
//   GET  /v1/report?plugin=NAME[&subject=S]            what the plugin says, a JSON object
//   POST /v1/operate?plugin=NAME&operation=O[&subject] likewise, when it is done
//
// Anything else, and any parameter not named here, is answered with 4xx and a Refusal. A stream that cannot go
// on ends with an `error` line; one that ends without `end` or `error` was cut off.

export const routes = {
  status: '/v1/status',
  plugins: '/v1/plugins',
  roles: '/v1/roles',
  leases: '/v1/leases',
  resync: '/v1/resync',
  storeGet: '/v1/store/get',
  storeList: '/v1/store/list',
  storePut: '/v1/store/put',
  storeDelete: '/v1/store/delete',
  report: '/v1/report',
  operate: '/v1/operate',
} as const;

/** Body of every answer that is not 200, and the content of an `error` line. */
export interface Fault {
  /** Of src/host/errors.ts. */
  code: string;
  message: string;
  /** What it means and what to do. */
  help: string;
}

export interface Refusal {
  error: Fault;
}

/** Of `nnoe store`; a key that begins without a slash was taken to be below the root. */
export interface StoreEntry {
  key: string;
  /** Of its last change; absent: there is no such key. */
  revision?: number;
  /** UTF-8; otherwise `base64`. */
  value?: string;
  base64?: string;
}

export interface StoreListing {
  prefix: string;
  revision: number;
  /** 1,000 at most, in order of keys. */
  entries: readonly { key: string; bytes: number; revision: number }[];
  /** Whether there are more. */
  more: boolean;
}

export interface StorePut {
  key: string;
  revision: number;
  bytes: number;
}

export interface StoreDeleted {
  key: string;
  revision: number;
  existed: boolean;
}

/** How a part is. Readers show states that they do not know as they stand, and take only `ok` for well. */
export interface Part {
  /** ok, starting, degraded, failed, down, stale, stopped. */
  state: string;
  /** Of src/host/errors.ts; absent when well, or when a plugin explains itself. */
  code?: string;
  /** A sentence; may be empty when well. */
  reason: string;
  /** What to do about `code`. */
  help?: string;
}

/** How far one plugin is in one journal. */
export interface Progress {
  /** Sequence of the last record that the plugin has dealt with for good. */
  cursor: number;
  /** Records of the journal after that. */
  lag: number;
  /** Time since the oldest of these was observed, s; 0 when there are none. */
  ageSeconds: number;
  /** Batches handed over that have not settled. */
  outstanding: number;
  /** Holes in the journal that the plugin was told of since the host started. */
  gaps: number;
  lastGap?: { reason: string; at: string };
}

/** A walk over Kea's lease database, as far as its records were read. */
export interface Walk {
  /** Sequence after which a complete walk must begin; absent when none is owed. */
  owedAfter?: number;
  /** A walk is being read: this many leases of it so far. */
  leases?: number;
  /** The last complete one of every subnet whose end was read: sequences where it began and ended. */
  last?: { begin: number; end: number; leases: number };
}

export interface JournalReport extends Part {
  directory: string;
  family: 4 | 6;
  /** Absent while the journal is not open, as the next three. Sequence of the newest record. */
  head?: number;
  /** Sequence of the oldest record on disk. */
  oldest?: number;
  /** On disk. */
  bytes?: number;
  walk?: Walk;
}

export interface PluginReport extends Part {
  /** By journal; empty for a plugin that consumes none. */
  journals: Record<string, Progress>;
}

/** One dnsdist on this machine, as it says of itself. */
export interface BridgeReport {
  pid: number;
  /** Versions of the bridge and of dnsdist. */
  bridge: string;
  dnsdist: string;
  /** In use; 0: none. */
  generation: number;
  /** Time since it came into use, s; absent when there is none. */
  ageSeconds?: number;
  /** It did not take what came last: its generation (0: not known), and why. */
  refused?: { generation: number; reason: string };
  /** Memory that its tables take. */
  bytes: number;
  /** What it does without tables: open or closed. */
  fail: string;
  /** That ask. */
  threads: number;
}

export interface TablesReport extends Part {
  directory: string;
  /** Last one that was written; 0: none. */
  generation: number;
  /** Time since then, s; absent when there is none. */
  ageSeconds?: number;
  /** Bytes by section. */
  sections: Record<string, number>;
  /** Something is still to be written. */
  waiting: boolean;
  bridges: BridgeReport[];
}

/** Something that is not well. `part` as people call it: `store`, `journal dhcp4`, `plugin leases`. */
export interface Problem extends Part {
  part: string;
}

export interface StatusReport {
  /** The worst of the parts: ok, degraded, starting, failed. */
  state: string;
  node: string;
  version: string;
  pid: number;
  uptimeSeconds: number;
  /** `root`: above every key. */
  store: Part & { name: string; root: string };
  /** `streams`: of leases and walks, open now. */
  control: Part & { socket: string; streams: number };
  journals: Record<string, JournalReport>;
  /** Absent when no plugin publishes a table. */
  tables?: TablesReport;
  plugins: Record<string, PluginReport>;
  /** What is not well, worst first. */
  problems: Problem[];
}

/** What a plugin declares; known without running it. */
export interface PluginInfo {
  name: string;
  stability: string;
  summary: string;
  /** npm package that it comes from. */
  package: string;
  enabled: boolean;
  /** By stream. `deadline` in s. */
  consumes: Record<string, { batch: number; window: number; onGap: string; deadline: number }>;
  /** By the plugin's own name for it; `prefix` is below the root of the store. */
  prefixes: Record<string, { prefix: string; access: string }>;
  /** Tables for the native side, by the plugin's own name for them. */
  publishes: Record<string, { table: string }>;
  /** By name as Prometheus sees it. */
  metrics: Record<string, { type: string; help: string; labels: string[] }>;
  /** Keys of its section; `type` in words of JSON Schema. */
  config: Record<string, { type: string; default?: unknown; unit?: string; description?: string }>;
}

/** A set of roles, and how many mappings give it. */
export interface RoleSetReport {
  /** In tables and metrics; 0: that of clients without a mapping. */
  id: number;
  roles: readonly string[];
  mappings: number;
}

export interface RolesReport {
  /** In which they are; 0: none yet. */
  generation: number;
  sets: RoleSetReport[];
}

export interface ClientReport {
  client: string;
  /** Of its set. */
  id: number;
  roles: readonly string[];
  /** That gives it; absent: none covers the client. */
  mapping?: string;
}

export interface PluginList {
  plugins: PluginInfo[];
}

/** A value below dhcp/leases/, in the layout of the store; null when what stands there is no JSON object. */
export type LeaseValue = Record<string, unknown> | null;

export type LeaseLine =
  /** What stands in the store. `address` is the key's, `revision` that of its last change. */
  | { type: 'lease'; address: string; revision: number; lease: LeaseValue }
  /** Watching: what is asked for was shown up to this revision; changes follow. */
  | { type: 'live'; revision: number }
  | { type: 'put'; address: string; revision: number; lease: LeaseValue }
  | { type: 'delete'; address: string; revision: number }
  /** Watching: continuity could not be proved; `lease` lines (when asked for) and `live` come again. */
  | { type: 'reset' }
  /** All was shown. */
  | { type: 'end'; count: number; revision: number }
  | ({ type: 'error' } & Fault);

export type ResyncLine =
  | {
      type: 'walk';
      source: string;
      /**
       * asked: Kea's hook was asked and has not begun; walking: `leases` were read; settling: the walk was read to
       * its end, plugins are at work on it; done. Absent journals are `refused`, with `code`, `reason` and `help`.
       */
      state: 'asked' | 'walking' | 'settling' | 'done' | 'refused';
      leases: number;
      /** Since the request. */
      seconds: number;
      code?: string;
      reason?: string;
      help?: string;
    }
  /** `complete`: every journal is done; false with wait=0, or when one was refused. */
  | { type: 'end'; complete: boolean }
  | ({ type: 'error' } & Fault);
