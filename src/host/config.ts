// SPDX-License-Identifier: MPL-2.0
// The configuration: what may stand in nnoe.toml. Every key carries its description and unit, so that the
// reference can be generated from it. Reading and refusing is in config-file.ts.
import { hostname } from 'node:os';
import { z } from 'zod';

const seconds = (fallback: number, description: string, limits: { min: number; max: number }) =>
  z.number().min(limits.min).max(limits.max).default(fallback).meta({ description, unit: 's' });

const file = (description: string) => z.string().min(1).meta({ description });

const log = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'])
    .default('info')
    .meta({ description: 'Least severe messages that are written.' }),
});

const journal = z.strictObject({
  directory: file('Directory of the journal that the Kea hook writes: its journal-directory.'),
  family: z
    .union([z.literal(4), z.literal(6)])
    .meta({ description: 'Which of the two Kea servers writes it: 4 or 6.' }),
});

const tls = z.strictObject({
  ca: file('PEM file with the certificates that the servers’ certificates are checked against.').optional(),
  cert: file('PEM file with the certificate that the host shows.').optional(),
  key: file('PEM file with the key of that certificate.').optional(),
});

const mebibytes = (fallback: number, description: string) =>
  z.int().min(1).max(1_000_000).default(fallback).meta({ description, unit: 'MiB' });

const cache = z.strictObject({
  ttl: seconds(
    86_400,
    'With a remote store: when it cannot be reached at start, plugins are given copies of what they follow that are not older than this; 0: no copies are kept.',
    { min: 0, max: 31_536_000 },
  ),
  'max-size': mebibytes(
    256,
    'Size that these copies may have; the one that was current longest ago goes first.',
  ),
});

const store = z.strictObject({
  kind: z.enum(['embedded', 'etcd']).default('embedded').meta({
    description:
      'Which store holds keys and values: a file on this machine, for this host alone; an etcd cluster.',
  }),
  directory: file(
    'Where the embedded store keeps its data, and a remote one the copies of what plugins follow; made when it is missing.',
  ).default('/var/lib/nnoe/store'),
  'max-size': mebibytes(
    8192,
    'Size that the data of the embedded store may have; when it is reached, only deletions are taken.',
  ),
  cache: cache.prefault({}),
  root: z
    .string()
    .regex(/^\/[^/]+(\/[^/]+)*$/, 'a path such as /nnoe, without a slash at its end')
    .default('/nnoe')
    .meta({ description: 'Above every key that the host reads or writes.' }),
  endpoints: z
    .array(z.string().regex(/^https?:\/\/[^/\s]+$/, 'a URL such as https://etcd1.example:2379'))
    .min(1)
    .default(['http://127.0.0.1:2379'])
    .meta({ description: 'Members of the cluster; any that answers is used.' }),
  user: z.string().min(1).optional().meta({ description: 'Name to log in with.' }),
  'password-file': file('File whose first line is the password of that user.').optional(),
  tls: tls.optional().meta({ description: 'Used with https endpoints.' }),
  'connect-timeout': seconds(5, 'Time one attempt to connect may take.', { min: 0.1, max: 300 }),
  'request-timeout': seconds(10, 'Time one request may take before it is tried again.', {
    min: 0.1,
    max: 300,
  }),
});

const http = z.strictObject({
  listen: z
    .string()
    .regex(/^(|.+:\d{1,5})$/, 'an address and port such as 127.0.0.1:9090, or an empty text for none')
    .default('127.0.0.1:9090')
    .meta({ description: 'Where /health and /metrics are served; port 0 takes a free one.' }),
});

const stop = z.strictObject({
  deadline: seconds(10, 'Time the host has to finish what is outstanding when it is told to stop.', {
    min: 0.1,
    max: 600,
  }),
});

/** Journal names become metric labels and log names; hence the narrow alphabet. Checked by config-file.ts. */
export const journalName = /^[a-z][a-z0-9-]*$/;

export const hostSchema = z
  .strictObject({
    node: z
      .string()
      .min(1)
      .max(253)
      .default(() => hostname())
      .meta({ description: 'Name of this node in what it writes to the store. Default: the host name.' }),
    log: log.prefault({}),
    journal: z
      .record(z.string(), journal)
      .default({})
      .meta({ description: 'One section for each Kea server on this machine.' }),
    store: store.prefault({}),
    http: http.prefault({}),
    stop: stop.prefault({}),
    plugins: z
      .record(z.string(), z.record(z.string(), z.unknown()))
      .default({})
      .meta({ description: 'One section for each plugin; its keys are the plugin’s own, and `enabled`.' }),
  })
  .superRefine((value, context) => {
    const { user, tls: files } = value.store;
    const fault = (path: string[], message: string) =>
      context.addIssue({ code: 'custom', path: ['store', ...path], message });
    if (user !== undefined && value.store['password-file'] === undefined)
      fault(['password-file'], 'a file with the password of store.user');
    if (files !== undefined && (files.cert === undefined) !== (files.key === undefined))
      fault(['tls', files.cert === undefined ? 'cert' : 'key'], 'cert and key together');
    const seen = new Map<string, string>();
    for (const [name, { directory }] of Object.entries(value.journal)) {
      const other = seen.get(directory);
      if (other !== undefined)
        context.addIssue({
          code: 'custom',
          path: ['journal', name, 'directory'],
          message: `a directory of its own (journal.${other} has this one)`,
        });
      seen.set(directory, name);
    }
  });

export type StoreConfig = z.output<typeof store>;
export type JournalConfig = z.output<typeof journal>;

export interface PluginConfig {
  enabled: boolean;
  /** As the plugin's own schema made it. */
  config: Record<string, unknown>;
}

export interface HostConfig extends Omit<z.output<typeof hostSchema>, 'plugins'> {
  plugins: Record<string, PluginConfig>;
}
