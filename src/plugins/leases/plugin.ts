// SPDX-License-Identifier: MPL-2.0
import { definePlugin } from '../../host/plugin.js';
import { config, consumes, metrics, prefixes } from './declaration.js';
import { Leases } from './leases.js';

export default definePlugin({
  api: 1,
  name: 'leases',
  stability: 'beta',
  summary:
    'Keeps what Kea has leased in the store, one key for each address, with history and audit entries.',
  config,
  consumes,
  prefixes,
  metrics,
  async setup(ctx) {
    const leases = new Leases(ctx);
    await leases.start();
    return {
      lease: (batch) => leases.batch(batch),
      health: () => leases.health(),
    };
  },
});
