// SPDX-License-Identifier: MPL-2.0
// What a plugin cannot declare, and handlers that do not fit what it declared. Below each `wrong:` the compiler
// has to complain, in these words; everywhere else it must not.
import { definePlugin, z } from 'nnoe/plugin';

const base = {
  api: 1,
  name: 'declare',
  stability: 'experimental',
  summary: 'For tests.',
  config: z.object({}),
  consumes: {},
  prefixes: {},
  metrics: {},
} as const;
const health = () => ({ state: 'ok' }) as const;
const setup = () => ({ health });
const lease = { batch: 16, onGap: 'ignore' } as const;

definePlugin({ ...base, setup });
definePlugin({ ...base, consumes: { lease }, setup: () => ({ health, lease: () => undefined }) });

// wrong: Type '2' is not assignable to type '1'
definePlugin({ ...base, api: 2, setup });
// wrong: '"alpha"' is not assignable to type 'Stability'
definePlugin({ ...base, stability: 'alpha', setup });
// wrong: ZodString
definePlugin({ ...base, config: z.string(), setup });
definePlugin({ ...base, publishes: { roles: { table: 'roles' }, lists: { table: 'names' } }, setup });
// wrong: '"leases"' is not assignable
definePlugin({ ...base, publishes: { roles: { table: 'leases' } }, setup });
// wrong: Type 'true' is not assignable to type 'never'
definePlugin({ ...base, publishes: { roles: { table: 'roles', whole: true } }, setup });

// wrong: 'rain' does not exist in type 'Consumes
definePlugin({ ...base, consumes: { rain: lease }, setup });
definePlugin({
  ...base,
  // wrong: not assignable to type 'never'
  consumes: { lease, rain: lease },
  setup: () => ({ health, lease: () => undefined }),
});
definePlugin({
  ...base,
  // wrong: Type 'number' is not assignable to type 'never'
  consumes: { lease: { ...lease, dedline: 1 } },
  setup: () => ({ health, lease: () => undefined }),
});
definePlugin({
  ...base,
  // wrong: '"repeat"' is not assignable
  consumes: { lease: { batch: 1, onGap: 'repeat' } },
  // Of streams that are not known to be declared every handler is asked for.
  setup: () => ({ health, lease: () => undefined, decision: () => undefined }),
});
definePlugin({
  ...base,
  // wrong: Property 'onGap' is missing
  consumes: { lease: { batch: 1 } },
  setup: () => ({ health, lease: () => undefined, decision: () => undefined }),
});

// wrong: '"append"' is not assignable
definePlugin({ ...base, prefixes: { p: { prefix: 'p/', access: 'append' } }, setup });
// wrong: Type 'true' is not assignable to type 'never'
definePlugin({ ...base, prefixes: { p: { prefix: 'p/', access: 'read', recursive: true } }, setup });
// wrong: '"summary"' is not assignable
definePlugin({ ...base, metrics: { m: { type: 'summary', help: 'M.' } }, setup });

// wrong: Property 'lease' is missing
definePlugin({ ...base, consumes: { lease }, setup: () => ({ health }) });
// wrong: '() => undefined' is not assignable to type 'undefined'
definePlugin({ ...base, setup: () => ({ health, lease: () => undefined }) });
// wrong: Type '{}' is not assignable
definePlugin({ ...base, setup: () => ({}) });
// wrong: Property 'reason' is missing
definePlugin({ ...base, setup: () => ({ health: () => ({ state: 'degraded' }) }) });
