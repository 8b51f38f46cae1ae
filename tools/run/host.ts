// SPDX-License-Identifier: MPL-2.0
// `node host.js CONFIG`: `nnoe host` with one plugin more, which writes every change of a lease into
// leases.ndjson beside the configuration. The embedded store belongs to the host's process, so what looks at its
// leases has to be in it.
import { appendFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { runHost } from '../../src/cli/host.js';
import { definePlugin } from '../../src/host/plugin.js';
import type { Change } from '../../src/host/store/store.js';
import { plugins } from '../../src/plugins/plugins.js';
import { leasesFile } from './leases.js';

const [config = ''] = process.argv.slice(2);
const file = leasesFile(dirname(config));

function write(changes: Change[]): void {
  const lines = changes.map((change) => `${JSON.stringify(change)}\n`);
  appendFileSync(file, lines.join(''));
}

const show = definePlugin({
  api: 1,
  name: 'show',
  stability: 'experimental',
  summary: 'Writes down changes of leases for make run.',
  config: z.object({}),
  consumes: {},
  prefixes: { leases: { prefix: 'dhcp/leases/', access: 'read' } },
  metrics: {},
  setup(ctx) {
    ctx.prefix.leases.follow({
      snapshot: (entries) => write(entries.map((entry) => ({ type: 'put', entry }))),
      change: write,
      // The host says it, and starts the plugin again.
      error: () => undefined,
    });
    return { health: () => ({ state: 'ok' }) };
  },
});

process.exit(await runHost({ file: config }, [...plugins, show]));
