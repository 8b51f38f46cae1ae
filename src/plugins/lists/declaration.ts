// SPDX-License-Identifier: MPL-2.0
// What the plugin declares, apart from what it does; the context's type follows from it.
import { type Context, counter, gauge, histogram, z } from '../../host/plugin.js';
import { canonicalName } from './domain.js';

/** What comes behind a list's name when its exceptions make a list of their own. */
export const exceptionsSuffix = '-exceptions';

const absolute = (description: string, example: string) =>
  z
    .string()
    .regex(/^\/.+$/, 'an absolute path')
    .meta({ description, range: 'an absolute path', examples: [example] });

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,47}$/, 'a name of a-z, 0-9 and -, up to 48 characters')
  .refine((text) => !text.endsWith(exceptionsSuffix), `a name that does not end in ${exceptionsSuffix}`);

const words = (description: string) =>
  z
    .array(z.string().min(1).max(128).meta({ range: '1 to 128 characters' }))
    .default([])
    .meta({ description });

const list = z
  .strictObject({
    kind: z.enum(['block', 'allow']).default('block').meta({
      description:
        'Whether names on it are blocked, or are let through where a block list names them or what is above them.',
    }),
    path: absolute(
      'File with the names; read again whenever it changes.',
      '/etc/nnoe/lists/ads.txt',
    ).optional(),
    format: z.enum(['auto', 'hosts', 'domains', 'adblock', 'dnsmasq', 'rpz']).default('auto').meta({
      description: 'How the file is written; auto finds out.',
    }),
    subdomains: z
      .boolean()
      .optional()
      .meta({
        description:
          'Whether rows of hosts files and plain names cover what is below them, too; left out: not for files, but for threats.',
        examples: [true],
      }),
    exceptions: z
      .enum(['allow', 'list'])
      .default('allow')
      .meta({
        description: `What exceptions in a block list do (@@ rules, rpz-passthru): allow, as a list named NAME${exceptionsSuffix}, or only take names off this list.`,
      }),
    threats: z
      .boolean()
      .default(false)
      .meta({ description: 'Takes the names from threats/domains/ in the store instead of a file.' }),
    severity: z
      .array(z.enum(['high', 'medium', 'low']))
      .default([])
      .meta({ description: 'Only threats of these severities; none: of any.' }),
    category: words('Only threats of these categories; none: of any.'),
    source: words('Only threats from these sources; none: from any.'),
  })
  .superRefine((value, context) => {
    const fault = (key: string, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message });
    if (value.threats && value.path !== undefined) fault('path', 'either a path or threats = true');
    if (!value.threats && value.path === undefined) fault('path', 'a path, or threats = true');
    for (const key of ['severity', 'category', 'source'] as const)
      if (!value.threats && value[key].length > 0) fault(key, 'threats = true beside it');
  })
  .meta({ description: 'A list. Its name is a metric label and what policies see in lists.' });

const action = z
  .string()
  .regex(
    /^(allow|drop|nxdomain|refused|nodata|truncate|(redirect|pool):.{1,128})$/,
    'allow, drop, nxdomain, refused, nodata, truncate, redirect:NAME or pool:NAME',
  );

const rule = z.strictObject({
  lists: z.array(z.string()).min(1),
  roles: z.array(z.string().min(1)).default([]),
  action: action.default('nxdomain'),
});

export const config = z
  .object({
    list: z.record(name, list).default({}).meta({ description: 'Lists by name.' }),
    subscribe: z.array(rule).default([]).meta({
      description:
        'Who is held to which lists, in order: each with lists, roles (none: everybody) and action (default "nxdomain"). For a list, the first that names it and a role of the client decides.',
      range: 'written [[plugins.lists.subscribe]]',
    }),
    protected: z
      .array(
        z
          .string()
          .refine((text) => canonicalName(text) !== undefined, 'a domain name')
          .meta({ range: 'domain names' }),
      )
      .default([])
      .meta({ description: 'Names that no block list may block.' }),
    'protected-file': absolute(
      'File with more of them, one a line; # begins a comment.',
      '/etc/nnoe/lists/protected.txt',
    ).optional(),
    'protect-usual': z.boolean().default(true).meta({
      description:
        'Whether the names that come with the plugin are protected: those whose block would be a mistake.',
    }),
    'shrink-limit': z.number().min(0.01).max(1).default(0.5).meta({
      description:
        'A list that would lose this share of its names, and at least ten, or all of them, keeps what it has until somebody accepts it.',
      unit: 'of the names',
    }),
    'check-interval': z.number().min(0.1).max(3600).default(30).meta({
      description: 'Pause between two looks at every file, beside being told of changes by the kernel.',
      unit: 's',
    }),
  })
  .superRefine((value, context) => {
    const names = Object.keys(value.list);
    for (const [i, { lists }] of value.subscribe.entries())
      for (const [j, each] of lists.entries())
        if (!names.includes(each))
          context.addIssue({
            code: 'custom',
            path: ['subscribe', i, 'lists', j],
            message: names.length === 0 ? 'a list that is configured' : `one of ${names.join(', ')}`,
          });
  });

export type ListsConfig = z.output<typeof config>;
export type ListConfig = ListsConfig['list'][string];

export const consumes = {} as const;

export const prefixes = {
  threats: { prefix: 'threats/domains/', access: 'read' },
} as const;

export const publishes = { names: { table: 'names' } } as const;

const byList = { list: 'the configured lists' };

export const metrics = {
  names: gauge('Names on a list, as the tables have it.', byList),
  rows_bad_total: counter('Rows of files that could not be used, each time one is read.', {
    ...byList,
    reason: 'the reasons in the README',
  }),
  held: gauge(
    'Whether what a list has now is held back because it lost too many names (1) or not (0).',
    byList,
  ),
  failing: gauge('Whether the file of a list cannot be read (1) or can (0).', byList),
  withheld: gauge('Names left out of a list because they are protected.', byList),
  loads_total: counter('Files read, by what became of it.', {
    ...byList,
    result: 'taken, held, failed',
  }),
  load_seconds: histogram(
    'Time that reading a file takes until its names are handed over, s.',
    [0.01, 0.1, 0.5, 1, 2, 5, 10, 30, 60],
  ),
  loaded_timestamp_seconds: gauge('When what is in force of a list was taken, s since 1970.', byList),
  threats_malformed: gauge('Values below threats/domains/ that are not used, by what is wrong.', {
    fault: 'json, domain, source, key',
  }),
};

export type ListsContext = Context<{
  config: typeof config;
  consumes: typeof consumes;
  prefixes: typeof prefixes;
  publishes: typeof publishes;
  metrics: typeof metrics;
}>;
