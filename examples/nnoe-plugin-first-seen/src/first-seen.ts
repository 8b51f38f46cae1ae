// SPDX-License-Identifier: MPL-2.0
// A plugin as a third party writes it: notes in the store when a device was first seen.
import { colonHex, counter, definePlugin, z } from 'nnoe/plugin';

export default definePlugin({
  api: 1,
  name: 'first-seen',
  stability: 'experimental',
  summary: 'Notes when each hardware address first got a lease.',
  config: z.object({ site: z.string().default('').meta({ description: 'Written beside the time.' }) }),
  consumes: { lease: { batch: 256, onGap: 'replay' } },
  prefixes: { devices: { prefix: 'inventory/first-seen/', access: 'write' } },
  metrics: { seen_total: counter('Devices seen for the first time.') },
  setup(ctx) {
    return {
      async lease({ records }) {
        for (const record of records) {
          // A walk shows the leases that there are: so nothing is missed that happened in a gap.
          if (record.kind !== 'lease' && record.kind !== 'snapshot') continue;
          const { hwaddr, cltt } = record.event;
          if (hwaddr.length === 0) continue;
          const value = JSON.stringify({ time: cltt, site: ctx.config.site, node: ctx.node });
          // Only when there is none: records may come twice, and another node may have seen the device before.
          if (await ctx.prefix.devices.create(colonHex(hwaddr), value)) ctx.metrics.seen_total.inc();
        }
      },
      health: () => ({ state: 'ok' }),
    };
  },
});
