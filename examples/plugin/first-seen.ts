// SPDX-License-Identifier: MPL-2.0
// A plugin as a third party writes it: notes in the store when a device was first seen.
import { counter, definePlugin } from 'nnoe/plugin';
import { z } from 'zod';

export default definePlugin({
  api: 1,
  name: 'first-seen',
  stability: 'experimental',
  summary: 'Notes when each hardware address first got a lease.',
  config: z.object({ site: z.string().default('').meta({ description: 'Written beside the time.' }) }),
  consumes: { lease: { batch: 256, onGap: 'replay' } },
  prefixes: { devices: { prefix: 'inventory/first-seen/', access: 'write' } },
  metrics: { seen: counter('Devices seen for the first time.') },
  setup(ctx) {
    return {
      async lease({ records, signal }) {
        for (const record of records) {
          if ((record.kind !== 'lease' && record.kind !== 'snapshot') || record.event.hwaddr.length === 0)
            continue;
          const key = ctx.prefix.devices.key(record.event.hwaddr.toString('hex'));
          const value = JSON.stringify({ time: record.event.cltt, site: ctx.config.site, node: ctx.node });
          // Only when there is no such key: delivery is at least once, and another node may have seen it before.
          const compare = [{ key, modRevision: 0 }];
          const { committed } = await ctx.commit({ compare, operations: [{ put: key, value }] }, signal);
          if (committed) ctx.metrics.seen.inc();
        }
      },
      health: () => ({ state: 'ok' }),
    };
  },
});
