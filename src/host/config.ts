// SPDX-License-Identifier: MPL-2.0
// The configuration: what may stand in nnoe.toml. This is the one place where a key is made: its type, default,
// range, unit and sentence here are what is enforced, what the reference, the sample and the JSON Schema are
// generated from, and what variables and flags go by. Reading and refusing is in config/.
//
// Metadata of a key: `description` (a sentence), `unit` (of every number), `range` (in words, where a pattern
// says it only to machines), `examples` (of what has no default), `shown` (a default that differs from machine
// to machine, in words), `names` (what the value is the path of; `nnoe check` looks at it).
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';

const seconds = (fallback: number, description: string, limits: { min: number; max: number }) =>
  z.number().min(limits.min).max(limits.max).default(fallback).meta({ description, unit: 's' });

/** `range`: the pattern in words. */
const text = (pattern: RegExp, range: string) => z.string().regex(pattern, range).meta({ range });

/** A file that has to be there, or a systemd credential; resolved by secrets.ts when it is needed. */
const file = (description: string, example: string, names: 'file' | 'secret' = 'file') =>
  text(
    /^(\/.+|credential:[A-Za-z0-9_.@-]+)$/,
    'an absolute path, or credential:NAME for a systemd credential',
  ).meta({ description, examples: [example], names });

const directory = (names: 'journal' | 'directory' | 'kept') =>
  text(/^\/.*$/, 'an absolute path').meta({ names });

const log = z
  .strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error'])
      .default('info')
      .meta({ description: 'Least severe messages that are written.' }),
  })
  .meta({ description: 'What the host writes to standard output, as JSON lines.' });

const journal = z
  .strictObject({
    directory: directory('journal').meta({
      description: 'Directory of the journal that the Kea hook writes: its journal-directory.',
      examples: ['/var/lib/nnoe/journal/dhcp4'],
    }),
    family: z
      .union([z.literal(4), z.literal(6)])
      .meta({ description: 'Which of the two Kea servers writes it: 4 or 6.', examples: [4] }),
  })
  .meta({ description: 'The journal of one Kea server. Its name is a metric label: a-z, 0-9 and -.' });

const tls = z
  .strictObject({
    ca: file(
      'PEM file with the certificates that the servers’ certificates are checked against.',
      '/etc/nnoe/ca.pem',
    ).optional(),
    cert: file('PEM file with the certificate that the host shows.', '/etc/nnoe/host.pem').optional(),
    key: file('PEM file with the key of that certificate.', 'credential:host-key', 'secret').optional(),
  })
  .meta({ description: 'Used with https endpoints.' });

const mebibytes = (fallback: number, description: string) =>
  z.int().min(1).max(1_000_000).default(fallback).meta({ description, unit: 'MiB' });

const cache = z
  .strictObject({
    ttl: seconds(
      86_400,
      'As long as the store has not been reachable since the start, plugins are given copies of what they follow that were current not longer ago than this, made with the same endpoints, user and root. A store that answers, or refuses the host (login, permission, certificate), is waited for instead; 0: no copies are kept.',
      { min: 0, max: 31_536_000 },
    ),
    'max-size': mebibytes(
      256,
      'Size that these copies may have; of those that nobody follows, the one that was current longest ago goes first.',
    ),
  })
  .meta({ description: 'With a remote store: the copy on disk of what plugins follow.' });

const store = z
  .strictObject({
    kind: z.enum(['embedded', 'etcd', 'etcd-gateway']).default('embedded').meta({
      description:
        'Which store holds keys and values: a file on this machine, for this host alone; an etcd cluster; the same over HTTP/JSON instead of gRPC.',
    }),
    directory: directory('kept').default('/var/lib/nnoe/store').meta({
      description:
        'Where the embedded store keeps its data, and a remote one the copies of what plugins follow; made when it is missing.',
    }),
    'max-size': mebibytes(
      8192,
      'Size that the data of the embedded store may have; when it is reached, only deletions are taken.',
    ),
    cache: cache.prefault({}),
    root: text(/^\/[^/]+(\/[^/]+)*$/, 'a path such as /nnoe, without a slash at its end')
      .default('/nnoe')
      .meta({ description: 'Above every key that the host reads or writes.' }),
    endpoints: z
      .array(
        text(/^https?:\/\/[^/\s@]+$/, 'a URL such as https://etcd1.example:2379, without user and password'),
      )
      .min(1)
      .default(['http://127.0.0.1:2379'])
      .meta({ description: 'Members of the cluster; any that answers is used.' }),
    user: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .meta({ description: 'Name to log in with.', examples: ['nnoe'] }),
    'password-file': file(
      'File whose first line is the password of that user.',
      'credential:etcd-password',
      'secret',
    ).optional(),
    tls: tls.optional(),
    'connect-timeout': seconds(5, 'Time one attempt to connect may take.', { min: 0.1, max: 300 }),
    'request-timeout': seconds(10, 'Time one request may take before it is tried again.', {
      min: 0.1,
      max: 300,
    }),
  })
  .meta({ description: 'Where keys and values are kept.' });

const http = z
  .strictObject({
    listen: text(/^(|.+:\d{1,5})$/, 'an address and port such as 127.0.0.1:9090, or an empty text for none')
      .default('127.0.0.1:9090')
      .meta({ description: 'Where /health and /metrics are served; port 0 takes a free one.' }),
  })
  .meta({ description: 'The HTTP server for health and metrics.' });

const control = z
  .strictObject({
    socket: text(/^(|\/.{0,95})$/, 'an absolute path of at most 96 characters, or an empty text for none')
      .default('/run/nnoe/host.sock')
      .meta({
        description:
          'Unix socket over which `nnoe status` and the like talk to the host; its directory is made.',
      }),
  })
  .meta({ description: 'How the `nnoe` command reaches the host.' });

const stop = z
  .strictObject({
    deadline: seconds(10, 'Time the host has to finish what is outstanding when it is told to stop.', {
      min: 0.1,
      max: 600,
    }),
  })
  .meta({ description: 'How the host ends.' });

const ttlOf = (fallback: number, description: string) =>
  z.int().min(0).max(604_800).default(fallback).meta({ description, unit: 's' });
const tables = z
  .strictObject({
    directory: directory('kept').default('/var/lib/nnoe/tables').meta({
      description:
        'Where the tables that dnsdist decides with are written, on a disk that keeps them; made when it is missing. For one host alone.',
    }),
    decisions: directory('kept').default('/run/nnoe/decisions').meta({
      description: 'Where each dnsdist says what it has loaded and decided; made when it is missing.',
    }),
    'negative-ttl': ttlOf(60, 'How long clients may keep that a name does not exist, or is refused to them.'),
    'extended-errors': z
      .boolean()
      .default(true)
      .meta({ description: 'Whether clients that speak EDNS are told why (RFC 8914).' }),
  })
  .meta({ description: 'What the host publishes for dnsdist, when a plugin does.' });

const addresses = (which: 'IPv4' | 'IPv6', example: string) =>
  z
    .array(text(which === 'IPv4' ? z.regexes.ipv4 : z.regexes.ipv6, `an ${which} address`))
    .max(8)
    .default([])
    .meta({ description: `${which} addresses of the answer.`, examples: [[example]] });

const answer = z
  .strictObject({
    a: addresses('IPv4', '192.0.2.80'),
    aaaa: addresses('IPv6', '2001:db8::80'),
    cname: text(
      /^(?=.{1,253}\.?$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/,
      'a host name',
    )
      .optional()
      .meta({
        description: 'Name that the answer points to, instead of addresses.',
        examples: ['portal.example'],
      }),
    ttl: ttlOf(60, 'How long clients may keep the answer.'),
  })
  .meta({
    description: 'An answer that `redirect:NAME` in policies and lists gives instead of the true one.',
  });

/** Sections whose name is the operator's, and plugins; hence the narrow alphabet: metric labels, log names. */
const name = z.string().regex(/^[a-z][a-z0-9-]*$/, 'a name of a-z, 0-9 and -, as dhcp4');

/** What every plugin's section may hold besides the plugin's own keys. */
export const pluginKeys = z.looseObject({
  enabled: z.boolean().default(true).meta({
    description: 'Whether the plugin runs.',
  }),
  package: z
    .string()
    .regex(/^(\.{0,2}\/.+|(@[a-z0-9._~-]+\/)?[a-z0-9._~-]+)$/, 'a package’s name, or a path with / or ./')
    .optional()
    .meta({
      description:
        'The npm package of a plugin that is not of this release, or a path relative to this file.',
      range: 'a package’s name, or a path that begins with / or ./',
      examples: ['nnoe-plugin-first-seen'],
    }),
});

export const hostSchema = z
  .strictObject({
    node: z
      .string()
      .min(1)
      .max(253)
      .default(() => hostname())
      .meta({
        description: 'Name of this node in what it writes to the store.',
        shown: 'the host name',
        examples: ['dhcp-a'],
      }),
    'plugin-directory': directory('directory')
      .default('/var/lib/nnoe/plugins')
      .meta({ description: 'Where packages of plugins are looked for after the directory of this file.' }),
    log: log.prefault({}),
    journal: z
      .record(name, journal)
      .default({})
      .meta({ description: 'One section for each Kea server on this machine.' }),
    store: store.prefault({}),
    http: http.prefault({}),
    control: control.prefault({}),
    tables: tables.prefault({}),
    answers: z.record(name, answer).default({}).meta({ description: 'Answers by name.' }),
    stop: stop.prefault({}),
    plugins: z
      .record(name, pluginKeys)
      .default({})
      .meta({ description: 'One section for each plugin: its own keys, `enabled` and `package`.' }),
  })
  .superRefine((value, context) => {
    const { user, tls: files } = value.store;
    const fault = (path: string[], message: string) =>
      context.addIssue({ code: 'custom', path: ['store', ...path], message });
    if (user !== undefined && value.store['password-file'] === undefined)
      fault(['user'], 'password-file beside it');
    if (files !== undefined && (files.cert === undefined) !== (files.key === undefined))
      fault(['tls', files.cert === undefined ? 'key' : 'cert'], 'cert and key together');
    for (const [name, { a, aaaa, cname }] of Object.entries(value.answers)) {
      const addressed = a.length + aaaa.length > 0;
      if (addressed === (cname !== undefined))
        context.addIssue({
          code: 'custom',
          path: ['answers', name, ...(addressed ? ['cname'] : [])],
          message: addressed ? 'no cname beside addresses' : 'a, aaaa or cname',
        });
    }
    const seen = new Map<string, string>();
    for (const [name, { directory }] of Object.entries(value.journal)) {
      const same = resolve(directory);
      const other = seen.get(same);
      if (other !== undefined)
        context.addIssue({
          code: 'custom',
          path: ['journal', name, 'directory'],
          message: `a directory of its own (journal.${other} has this one)`,
        });
      seen.set(same, name);
    }
  });

export type StoreConfig = z.output<typeof store>;
export type JournalConfig = z.output<typeof journal>;
export type TablesConfig = z.output<typeof tables>;
export type AnswerConfig = z.output<typeof answer>;

export interface PluginConfig {
  enabled: boolean;
  /** The npm package that it comes from, as configured; undefined: it is one of this release. */
  package?: string;
  /** As the plugin's own schema made it. */
  config: Record<string, unknown>;
}

export interface HostConfig extends Omit<z.output<typeof hostSchema>, 'plugins'> {
  plugins: Record<string, PluginConfig>;
}
