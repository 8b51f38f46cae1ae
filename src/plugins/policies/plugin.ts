// SPDX-License-Identifier: MPL-2.0
import { definePlugin } from '../../host/plugin.js';
import { config, metrics, prefixes, publishes } from './declaration.js';
import { Service } from './service.js';

export default definePlugin({
  api: 1,
  name: 'policies',
  stability: 'beta',
  summary: 'Compiles Cerbos policies into programs by which dnsdist decides what a client may ask.',
  // Where it runs and there is no policy, queries meet what the bridge's `fail` says.
  optIn: true,
  config,
  consumes: {},
  prefixes,
  publishes,
  metrics,
  setup(ctx) {
    const service = new Service(ctx);
    service.start();
    return {
      health: () => service.health(),
      stop: () => service.stop(),
      operations: { report: () => service.report(), rule: (subject) => service.explain(subject) },
    };
  },
});
