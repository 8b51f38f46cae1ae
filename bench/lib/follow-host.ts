// SPDX-License-Identifier: MPL-2.0
// `nnoe host` with one plugin, which follows a prefix and writes down what it is told and when:
// node follow-host.js <file>
import { createWriteStream } from 'node:fs';
import { z } from 'zod';
import { loadConfig } from '../../src/host/config/load.js';
import { Host } from '../../src/host/host.js';
import { createLogger } from '../../src/host/log.js';
import { definePlugin, gauge } from '../../src/host/plugin.js';
import type { Told } from './told-file.js';

const follower = definePlugin({
  api: 1,
  name: 'follower',
  stability: 'experimental',
  summary: 'Writes down what it is told of a prefix.',
  config: z.object({ file: z.string() }),
  consumes: {},
  prefixes: { keys: { prefix: 'bench/follow/', access: 'read' } },
  metrics: { revision: gauge('Revision up to which the plugin was told.') },
  setup(ctx) {
    const out = createWriteStream(ctx.config.file, { flags: 'a' });
    const now = () => (performance.timeOrigin + performance.now()) * 1000;
    const note = (told: Told) => {
      out.write(`${JSON.stringify(told)}\n`);
      ctx.metrics.revision.set(told.revision);
    };
    ctx.prefix.keys.follow({
      snapshot: (entries, revision) =>
        note({ at: now(), revision, entries: entries.map(({ key, modRevision }) => [key, modRevision]) }),
      change: (changes, revision) => {
        const at = now();
        const told = changes.map((change): [string, number, boolean] =>
          change.type === 'put'
            ? [change.entry.key, change.entry.modRevision, false]
            : [change.key, change.modRevision, true],
        );
        note({ at, revision, changes: told });
      },
      error: () => undefined, // the host fails the plugin and says so
    });
    return { health: () => ({ state: 'ok' }), stop: () => new Promise<void>((done) => out.end(done)) };
  },
});

const { config } = await loadConfig([follower], { file: process.argv.at(-1) as string });
const fatal = (error: Error) => {
  console.error(error);
  process.exit(70);
};
const host = new Host({ config, plugins: [follower], log: createLogger(config.log.level), fatal });
process.once('SIGTERM', () => host.stop().then(() => process.exit(0)));
await host.start();
