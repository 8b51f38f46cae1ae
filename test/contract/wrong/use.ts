// SPDX-License-Identifier: MPL-2.0
// What a plugin must not do with what it was given. Below each `wrong:` the compiler has to complain, in these
// words; everywhere else it must not.
import { counter, definePlugin, gauge, histogram, z } from 'nnoe/plugin';

export default definePlugin({
  api: 1,
  name: 'use',
  stability: 'experimental',
  summary: 'For tests.',
  config: z.object({ site: z.string().default('') }),
  consumes: { lease: { batch: 16, onGap: 'ignore' } },
  prefixes: {
    mine: { prefix: 'mine/', access: 'write' },
    theirs: { prefix: 'theirs/', access: 'read' },
  },
  publishes: { clients: { table: 'roles' } },
  metrics: {
    seen: counter('Seen.', { kind: 'lease, snapshot' }),
    plain: counter('Plain.'),
    held: gauge('Held.'),
    took: histogram('Time taken, s.', [1, 2]),
  },
  async setup(ctx) {
    const { site } = ctx.config;
    // wrong: 'place' does not exist
    ctx.config.place;
    // wrong: 'others' does not exist
    ctx.prefix.others;
    // wrong: 'tables' does not exist
    ctx.tables;
    // wrong: 'programs' does not exist
    ctx.table.programs;
    ctx.table.clients.set('192.0.2.1', ['iot']);
    // wrong: not assignable to parameter of type 'readonly string[]'
    ctx.table.clients.set('192.0.2.1', 'iot');
    // wrong: 'subscribe' does not exist on type 'RolesTable'
    ctx.table.clients.subscribe([]);
    // wrong: 'store' does not exist
    ctx.store;
    // wrong: 'streams' does not exist
    ctx.streams;
    // wrong: read-only property
    ctx.config = { site };
    ctx.log.info({ site }, 'fine');

    const owners = await ctx.prefix.theirs.mirror(String);
    // wrong: 'set' does not exist
    owners.set('a', 'b');
    await ctx.prefix.mine.put('a', owners.get('a') ?? '');
    // wrong: 'put' does not exist on type 'ReadPrefix'
    await ctx.prefix.theirs.put('a', 'b');
    // wrong: 'create' does not exist on type 'ReadPrefix'
    await ctx.prefix.theirs.create('a', 'b');
    // wrong: 'delete' does not exist on type 'ReadPrefix'
    await ctx.prefix.theirs.delete('a');

    // wrong: 'lost' does not exist
    ctx.metrics.lost;
    ctx.metrics.seen.inc({ kind: 'lease' }, 2);
    // wrong: No overload matches
    ctx.metrics.seen.inc({ sort: 'lease' });
    ctx.metrics.plain.inc();
    // wrong: No overload matches
    ctx.metrics.plain.inc({ kind: 'lease' });
    // wrong: 'set' does not exist
    ctx.metrics.seen.set(1);
    ctx.metrics.held.set(1);
    // wrong: 'observe' does not exist
    ctx.metrics.held.observe(1);
    ctx.metrics.took.observe(1.5);

    return {
      health: () => ({ state: 'ok' }),
      lease({ records }) {
        for (const record of records) {
          // wrong: 'event' does not exist
          record.event;
          if (record.kind === 'lease') record.event.hwaddr.length;
          // wrong: no overlap
          if (record.kind === 'rain') return;
        }
      },
    };
  },
});
