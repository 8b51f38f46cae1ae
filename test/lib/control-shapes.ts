// SPDX-License-Identifier: MPL-2.0
// The shapes of src/host/control/api.ts as schemas: what passes over the control socket, and what --json prints,
// is held to them, unknown keys refused. The compiler holds the two equal.
import { z } from 'zod';
import type {
  LeaseLine,
  PluginInfo,
  PluginReport,
  Progress,
  Refusal,
  ResyncLine,
  StatusReport,
} from '../../src/host/control/api.js';

const text = z.string();
const whole = z.number().int().min(0);
const seconds = z.number().min(0);
const family = z.union([z.literal(4), z.literal(6)]);

const part = {
  state: z.enum(['ok', 'starting', 'degraded', 'failed', 'down', 'stale', 'stopped']),
  code: text.regex(/^[A-Z]+(_[A-Z0-9]+)+$/).exactOptional(),
  reason: text,
  help: text.min(20).exactOptional(),
};

const progress = z.strictObject({
  cursor: whole,
  lag: whole,
  ageSeconds: seconds,
  outstanding: whole,
  gaps: whole,
  lastGap: z.strictObject({ reason: text, at: z.iso.datetime() }).exactOptional(),
}) satisfies z.ZodType<Progress>;

const walk = z.strictObject({
  owedAfter: whole.exactOptional(),
  leases: whole.exactOptional(),
  last: z.strictObject({ begin: whole, end: whole, leases: whole }).exactOptional(),
});

const journal = z.strictObject({
  ...part,
  directory: text,
  family,
  head: whole.exactOptional(),
  oldest: whole.exactOptional(),
  bytes: whole.exactOptional(),
  walk: walk.exactOptional(),
});

const pluginReport = z.strictObject({
  ...part,
  journals: z.record(text, progress),
}) satisfies z.ZodType<PluginReport>;

const bridge = z.strictObject({
  pid: whole,
  bridge: text,
  dnsdist: text,
  generation: whole,
  ageSeconds: seconds.exactOptional(),
  refused: z.strictObject({ generation: whole, reason: text }).exactOptional(),
  bytes: whole,
  behind: z.strictObject({ generations: whole, seconds }).exactOptional(),
  fail: z.enum(['open', 'closed']),
  sampling: whole,
  threads: whole,
});

const tables = z.strictObject({
  ...part,
  directory: text,
  generation: whole,
  ageSeconds: seconds.exactOptional(),
  sections: z.record(text, whole),
  waiting: z.boolean(),
  bridges: z.array(bridge),
});

export const statusReport = z.strictObject({
  state: z.enum(['ok', 'degraded', 'starting', 'failed']),
  node: text,
  version: text,
  pid: whole,
  uptimeSeconds: seconds,
  store: z.strictObject({ ...part, name: text, root: text }),
  control: z.strictObject({ ...part, socket: text, streams: whole }),
  journals: z.record(text, journal),
  tables: tables.exactOptional(),
  plugins: z.record(text, pluginReport),
  problems: z.array(z.strictObject({ ...part, part: text })),
}) satisfies z.ZodType<StatusReport>;

export const pluginInfo = z.strictObject({
  name: text,
  stability: z.enum(['stable', 'beta', 'experimental']),
  summary: text,
  package: text,
  enabled: z.boolean(),
  consumes: z.strictObject({
    lease: z
      .strictObject({ batch: whole, window: whole, onGap: z.enum(['replay', 'ignore']), deadline: seconds })
      .exactOptional(),
    decision: z.strictObject({ records: whole, top: whole, deadline: seconds }).exactOptional(),
  }),
  prefixes: z.record(text, z.strictObject({ prefix: text, access: z.enum(['read', 'write']) })),
  publishes: z.record(text, z.strictObject({ table: z.enum(['roles', 'names', 'programs']) })),
  metrics: z.record(
    text,
    z.strictObject({ type: z.enum(['counter', 'gauge', 'histogram']), help: text, labels: z.array(text) }),
  ),
  config: z.record(
    text,
    z.strictObject({
      type: text,
      default: z.unknown().exactOptional(),
      unit: text.exactOptional(),
      description: text.exactOptional(),
    }),
  ),
}) satisfies z.ZodType<PluginInfo>;

export const pluginList = z.strictObject({ plugins: z.array(pluginInfo) });

/** What `nnoe plugins --json` prints. */
export const shownPlugins = z.strictObject({
  running: z.boolean(),
  plugins: z.array(pluginInfo.extend({ status: pluginReport.exactOptional() })),
});

const fault = { code: text, message: text.min(1), help: text };
const lease = z.record(text, z.unknown()).nullable();
const error = z.strictObject({ type: z.literal('error'), ...fault });

export const leaseLine = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('lease'), address: text, revision: whole, lease }),
  z.strictObject({ type: z.literal('live'), revision: whole }),
  z.strictObject({ type: z.literal('put'), address: text, revision: whole, lease }),
  z.strictObject({ type: z.literal('delete'), address: text, revision: whole }),
  z.strictObject({ type: z.literal('reset') }),
  z.strictObject({ type: z.literal('end'), count: whole, revision: whole }),
  error,
]) satisfies z.ZodType<LeaseLine>;

export const resyncLine = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('walk'),
    source: text,
    state: z.enum(['asked', 'walking', 'settling', 'done', 'refused']),
    leases: whole,
    seconds,
    code: text.exactOptional(),
    reason: text.exactOptional(),
    help: text.exactOptional(),
  }),
  z.strictObject({ type: z.literal('end'), complete: z.boolean() }),
  error,
]) satisfies z.ZodType<ResyncLine>;

export const refusal = z.strictObject({ error: z.strictObject(fault) }) satisfies z.ZodType<Refusal>;
