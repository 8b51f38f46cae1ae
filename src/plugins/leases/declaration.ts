// SPDX-License-Identifier: MPL-2.0
// What the plugin declares, apart from what it does; the context's type follows from it.
import { z } from 'zod';
import { type Context, counter, gauge, named } from '../../host/plugin.js';

const seconds = (fallback: number, description: string) =>
  z.number().min(0).max(1e9).default(fallback).meta({ description, unit: 's' });

export const config = z.object({
  history: z
    .boolean()
    .default(false)
    .meta({ description: 'Keeps every event under dhcp/history/, one key each.' }),
  'history-max-age': seconds(7 * 86_400, 'History older than this is deleted.'),
  'in-flight': z
    .number()
    .int()
    .min(1)
    .max(32)
    .default(8)
    .meta({ description: 'Transactions sent to the store before the first is answered.' }),
  'sweep-interval': z
    .number()
    .min(0.05)
    .max(86_400)
    .default(60)
    .meta({ description: 'Pause between two passes over the keys for expired leases.', unit: 's' }),
  'sweep-grace': seconds(
    3600,
    'How long after its end a lease of this node stays when nobody reported its end.',
  ),
  'sweep-foreign-grace': seconds(86_400, 'The same for leases that another node wrote.'),
});

// 2,048 events at hand keep every transaction full; more would only grow old on the heap while they wait.
export const consumes = {
  lease: { batch: 512, window: 4, onGap: 'replay', deadline: 60 },
} as const;

export const prefixes = {
  leases: { prefix: 'dhcp/leases/', access: 'write' },
  history: { prefix: 'dhcp/history/', access: 'write' },
  writers: { prefix: 'dhcp/writers/', access: 'write' },
  walks: { prefix: 'dhcp/walks/', access: 'write' },
  audit: { prefix: 'audit/logs/', access: 'write' },
} as const;

export const metrics = {
  writes_total: counter('Operations committed to the store.', { kind: 'put, delete' }),
  coalesced_total: counter('Events that a later one of the same address replaced before they were written.'),
  unchanged_total: counter('Events that changed nothing in the value, which was therefore not written.'),
  yielded_total: counter('Events that left the key alone: it is newer, another node’s, or another client’s.'),
  conflicts_total: counter('Transactions refused because a key was not as this node left it.'),
  refused_total: counter('Records that could not be written and were given up.'),
  removed_total: counter('Keys deleted without an event.', { reason: 'walk, expired, history' }),
  backlog: gauge('Keys with something still to be written.'),
  keys: gauge('Keys that this node knows in the store.'),
  active: gauge('As nnoe_dhcp_leases_active, by family.', { family: '4, 6' }),
  dhcp_active: named(
    'nnoe_dhcp_leases_active',
    gauge(
      'Leases in use that this node wrote: in Kea’s state 0 and not past their end. Left out until the store has been gone through once after the start.',
    ),
  ),
  dhcp_total: named(
    'nnoe_dhcp_leases_total',
    counter('Leases that Kea assigned anew, renewals not counted, since the host was started.'),
  ),
};

export type LeasesContext = Context<{
  config: typeof config;
  consumes: typeof consumes;
  prefixes: typeof prefixes;
  metrics: typeof metrics;
}>;
