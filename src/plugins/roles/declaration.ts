// SPDX-License-Identifier: MPL-2.0
// What the plugin declares, apart from what it does; the context's type follows from it.
import { z } from 'zod';
import { type Context, gauge } from '../../host/plugin.js';

const role = z
  .string()
  .regex(/^[^\p{Cc}]{1,128}$/u, 'a name of 1 to 128 characters')
  .meta({ range: 'a name of 1 to 128 characters' });

export const config = z.object({
  default: z
    .array(role)
    .min(1)
    .max(64)
    .default(['default'])
    .meta({ description: 'Roles of clients that no mapping covers.' }),
});

export const prefixes = { mappings: { prefix: 'role-mappings/', access: 'read' } } as const;

export const publishes = { roles: { table: 'roles' } } as const;

export const metrics = {
  mappings: gauge('Prefixes that have roles. Left out until the store has shown them.'),
  malformed: gauge('Mappings that are not used, by what is wrong with them.', {
    reason: 'address, length, json, roles',
  }),
  conflicts: gauge('Prefixes about which keys in the store disagree.'),
};

export type RolesContext = Context<{
  config: typeof config;
  consumes: Record<never, never>;
  prefixes: typeof prefixes;
  publishes: typeof publishes;
  metrics: typeof metrics;
}>;
