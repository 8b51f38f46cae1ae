// SPDX-License-Identifier: MPL-2.0
// What the plugin declares, apart from what it does; the context's type follows from it.
import { z } from 'zod';
import { type Context, counter, gauge, named } from '../../host/plugin.js';

const log = z
  .strictObject({
    what: z
      .enum(['none', 'blocked', 'sampled'])
      .default('none')
      .meta({ description: 'Which decisions are logged: none, those that block, or a sample of all.' }),
    file: z
      .string()
      .regex(/^\/.+$/, 'an absolute path')
      .optional()
      .meta({
        description:
          'File of JSON lines; left out: the host’s log. One that is renamed is begun anew with the next line.',
        range: 'an absolute path',
        examples: ['/var/log/nnoe/decisions.log'],
        names: 'kept',
      }),
    rate: z
      .int()
      .min(1)
      .max(1000)
      .default(100)
      .meta({ description: 'Most lines in a second; the rest is counted.', unit: 'lines/s' }),
  })
  .meta({ description: 'Decisions as JSON lines, with addresses of clients and names.' });

export const config = z.object({
  window: z
    .int()
    .min(10)
    .max(86_400)
    .default(300)
    .meta({ description: 'Time over which `nnoe top` counts.', unit: 's' }),
  labels: z.int().min(1).max(4096).default(100).meta({
    description: 'Sets of roles, and lists, that metrics tell apart; the rest is `other`.',
    unit: 'values',
  }),
  log: log.prefault({}),
});

/** The first so many of each ranking of a second, and of each pane of the window. */
export const ranked = 1000;

export const consumes = { decision: { records: 1000, top: ranked } } as const;

const verdict = 'allow, drop, nxdomain, refused, nodata, truncate, redirect, pool';

export const metrics = {
  queries_total: named('nnoe_dns_queries_total', counter('Queries that dnsdist asked about.')),
  query_rate: named(
    'nnoe_dns_query_rate',
    gauge('Queries in a second that dnsdist asked about, over ten seconds.'),
  ),
  blocked_total: named(
    'nnoe_blocked_queries_total',
    counter('Queries that were dropped, refused, redirected, or told that there is nothing.'),
  ),
  roles_total: counter('Decisions by the roles of the client.', {
    roles: 'sets of roles, the first `labels` of them, joined by +; other; unknown',
    verdict,
  }),
  lists_total: counter('Decisions that a list made.', {
    list: 'lists, the first `labels` of them; other; unknown',
    verdict,
  }),
  reasons_total: counter('Decisions by what made them.', {
    reason:
      'no-tables, allow-list, block-list, policy, no-policy, unplanned, fallback, fallback-miss, malformed',
    verdict,
  }),
  logged_total: counter('Decisions that were logged.'),
  unlogged_total: counter('Recorded decisions that should have been logged and were not.', {
    reason: 'rate, failed',
  }),
};

export type DecisionsContext = Context<{
  config: typeof config;
  consumes: typeof consumes;
  prefixes: Record<never, never>;
  metrics: typeof metrics;
}>;
