// SPDX-License-Identifier: MPL-2.0
// Configurations for Kea 2.2 to 3.0 on loopback: UDP sockets, one relayed subnet, memfile that keeps every
// change in order (no lease file clean-up), everything inside one directory.
import { join } from 'node:path';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface HookLibrary {
  /** File name in Kea's hooks directory, or absolute. */
  library: string;
  parameters?: JsonObject;
}

export interface KeaOptions {
  family: 4 | 6;
  /** The port it serves; default a free one. */
  port?: number;
  /** Packet threads; 0 turns multi-threading off. Default 2. */
  threads?: number;
  /** Parameters of our hook beside journal-directory; false: run without it. */
  hook?: JsonObject | false;
  /** Another build of our hook than the usual one. */
  library?: string;
  /** Other libraries, after ours. lease_cmds is always there. */
  hooks?: HookLibrary[];
  /** s; default 3600. */
  validLifetime?: number;
  /** Overrides of expired-leases-processing. */
  expiry?: JsonObject;
  /** Added to (or replacing parts of) the Dhcp4 or Dhcp6 map. */
  extra?: JsonObject;
  /** Default 'INFO'. */
  severity?: string;
  /** Environment, such as LD_PRELOAD. */
  env?: Record<string, string>;
  /** Put before the server's command line, such as `valgrind` or `unshare` and its options. */
  wrap?: readonly string[];
  /** The memfile CSV to start from, with its header. */
  leases?: string;
}

export interface Layout {
  directory: string;
  csv: string;
  socket: string;
  hooks: string;
  journal: string;
}

export const layout = (directory: string): Layout => ({
  directory,
  csv: join(directory, 'leases.csv'),
  socket: join(directory, 'ctl.sock'),
  hooks: join(directory, 'hooks'),
  journal: join(directory, 'journal'),
});

export const subnet = {
  // 4: 65,534 addresses; 6: a /64 of addresses and 2^31 delegated /64s.
  4: { id: 1, subnet: '10.0.0.0/16', pools: [{ pool: '10.0.0.1-10.0.255.254' }] },
  6: {
    id: 1,
    subnet: '2001:db8::/32',
    pools: [{ pool: '2001:db8::/64' }],
    'pd-pools': [{ prefix: '2001:db8:8000::', 'prefix-len': 33, 'delegated-len': 64 }],
  },
} as const;

/** Reclaims at once and keeps nothing afterwards, so that each expiry is one line in the CSV. */
const eagerExpiry: JsonObject = {
  'reclaim-timer-wait-time': 1,
  'hold-reclaimed-time': 0,
  'flush-reclaimed-timer-wait-time': 0,
  'max-reclaim-leases': 0,
  'max-reclaim-time': 0,
};

/** @param version such as [2, 2]; what an older Kea does not know is left out. */
export function keaConfig(options: KeaOptions, at: Layout, version: readonly [number, number]): JsonObject {
  const { family } = options;
  const isNew = version[0] > 2 || (version[0] === 2 && version[1] >= 7);
  const socket = { 'socket-type': 'unix', 'socket-name': at.socket };
  const relay = { 'ip-addresses': [family === 4 ? '127.0.0.1' : '::1'] };
  const threads = options.threads ?? 2;
  const body: JsonObject = {
    'interfaces-config':
      family === 4 ? { interfaces: ['lo'], 'dhcp-socket-type': 'udp' } : { interfaces: ['lo/::1'] },
    ...(family === 6
      ? { 'server-id': { type: 'EN', 'enterprise-id': 4491, identifier: '4E4E4F45', persist: false } }
      : {}),
    'lease-database': { type: 'memfile', persist: true, name: at.csv, 'lfc-interval': 0 },
    ...(isNew ? { 'control-sockets': [socket] } : { 'control-socket': socket }),
    'multi-threading': {
      'enable-multi-threading': threads > 0,
      // A queue that a scheduling delay of the machine does not fill: a dropped packet means a fault of ours.
      ...(threads > 0 ? { 'thread-pool-size': threads, 'packet-queue-size': 1024 } : {}),
    },
    'expired-leases-processing': { ...eagerExpiry, ...options.expiry },
    // Next to nothing (0 is no float in JSON): Kea 3.0 answers early renewals from the lease as it stands, which
    // changes nothing and reports nothing.
    'cache-threshold': 0.00001,
    'valid-lifetime': options.validLifetime ?? 3600,
    'hooks-libraries': libraries(options, at),
    [`subnet${family}`]: [{ ...(structuredClone(subnet[family]) as unknown as JsonObject), relay }],
    loggers: loggers(family, options.severity ?? 'INFO', isNew),
    ...options.extra,
  };
  return { [`Dhcp${family}`]: body };
}

function libraries(options: KeaOptions, at: Layout): Json {
  const all: HookLibrary[] = [];
  if (options.hook !== false) {
    all.push({
      library: 'libdhcp_etcd.so',
      parameters: { 'journal-directory': at.journal, ...options.hook },
    });
  }
  all.push({ library: 'libdhcp_lease_cmds.so' }, ...(options.hooks ?? []));
  return all.map(({ library, parameters }) => ({
    library: library.startsWith('/') ? library : join(at.hooks, library),
    ...(parameters ? { parameters } : {}),
  }));
}

/** To standard output, which the harness keeps in a file; per-lease and per-packet chatter left out. */
function loggers(family: number, severity: string, isNew: boolean): Json {
  const options = [{ output: 'stdout', flush: true }];
  const logger = (name: string, level: string): JsonObject => ({
    name,
    severity: level,
    [isNew ? 'output-options' : 'output_options']: options,
  });
  const root = `kea-dhcp${family}`;
  return [logger(root, severity), ...['leases', 'alloc-engine'].map((n) => logger(`${root}.${n}`, 'WARN'))];
}
