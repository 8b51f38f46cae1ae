// SPDX-License-Identifier: MPL-2.0
// What the plugin declares, apart from what it does; the context's type follows from it.
import { type Context, counter, gauge, histogram, z } from '../../host/plugin.js';

const action = z
  .string()
  .regex(/^(allow|nxdomain|nodata|refused|drop|truncate|(redirect|pool):[^\s*]+)$/, 'an action')
  .meta({ range: 'allow, nxdomain, nodata, refused, drop, truncate, redirect:<answer> or pool:<name>' });

const role = z
  .strictObject({
    'default-action': action.optional().meta({
      description: 'What happens when no policy grants an action to this role; default: that of the plugin.',
      examples: ['nxdomain'],
    }),
    'on-miss': action.optional().meta({
      description:
        'Allows conditions that cannot be compiled for this role: Cerbos is then asked about its queries, and this is done with one until its answer is there.',
      examples: ['refused'],
    }),
  })
  .meta({
    description: 'What is different for a role; of a client with several, the first one here decides.',
  });

const pdp = z
  .strictObject({
    address: z
      .string()
      .regex(/^(|unix:\/.+|.+:\d{1,5})$/, 'a host and port, unix:/path, or an empty text')
      .default('')
      .meta({
        description:
          'A Cerbos to use instead of the one that comes with the host; its storage has to take policies through the Admin API.',
        range: 'a host and port, unix:/path, or an empty text for the one that comes with the host',
      }),
    directory: z
      .string()
      .regex(/^\/.+$/, 'an absolute path')
      .default('/var/lib/nnoe/policies')
      .meta({
        description:
          'Where the Cerbos of the host keeps the policies it was given last; made when it is missing.',
        range: 'an absolute path',
      }),
    user: z.string().min(1).default('cerbos').meta({ description: 'For the Admin API of `address`.' }),
    'password-file': z
      .string()
      .regex(/^\/.+$/, 'an absolute path')
      .optional()
      .meta({
        description: 'File whose first line is the password of that user.',
        range: 'an absolute path',
        names: 'secret',
        examples: ['/etc/nnoe/pdp-password'],
      }),
    'max-age': z.number().min(1).max(3600).default(60).meta({
      description:
        'Longest time that an answer about a single query counts, where policies are not compiled; a change of policies and the clock end it sooner.',
      unit: 's',
    }),
    tls: z.boolean().default(false).meta({
      description: 'Whether `address` is spoken to by TLS, with the authorities that Node.js trusts.',
    }),
  })
  .meta({ description: 'The policy decision point: the Cerbos that makes plans of policies.' });

export const config = z.object({
  'default-action': action
    .default('refused')
    .meta({ description: 'What happens to a query when no policy grants an action.' }),
  pdp: pdp.prefault({}),
  roles: z
    .record(z.string().min(1), role)
    .default({})
    .meta({ description: 'What is different for single roles.' }),
});

export const prefixes = { policies: { prefix: 'policies/', access: 'read' } } as const;

export const publishes = { programs: { table: 'programs' } } as const;

export const metrics = {
  policies: gauge('Policies of the store, by what became of them.', { state: 'used, old, refused' }),
  role_sets: gauge('Sets of roles, by how their queries are decided.', {
    how: 'compiled, on-miss, unplanned',
  }),
  instructions: gauge('Instructions of all programs together.'),
  rulings_total: counter('Questions of bridges about single queries, by where the answer came from.', {
    outcome: 'known, asked, put-off',
  }),
  pdp_up: gauge(
    'Whether the policy decision point answered when it was last asked, and had the policies it was given: 1 or 0.',
  ),
  plan_seconds: histogram(
    'Time from a change of policies, roles, lists or the clock until its programs were published, s.',
    [0.05, 0.1, 0.2, 0.5, 1, 2, 5],
  ),
};

export type PoliciesContext = Context<{
  config: typeof config;
  consumes: Record<never, never>;
  prefixes: typeof prefixes;
  publishes: typeof publishes;
  metrics: typeof metrics;
}>;
