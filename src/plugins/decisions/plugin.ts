// SPDX-License-Identifier: MPL-2.0
import { definePlugin } from '../../host/plugin.js';
import { Decisions } from './decisions.js';
import { config, consumes, metrics } from './declaration.js';

export default definePlugin({
  api: 1,
  name: 'decisions',
  stability: 'beta',
  summary: 'Counts what dnsdist decides, ranks names and clients, and logs decisions.',
  config,
  consumes,
  prefixes: {},
  metrics,
  setup(ctx) {
    const decisions = new Decisions(ctx);
    return {
      decision: (batch) => decisions.take(batch),
      health: () => decisions.health(),
      stop: () => decisions.close(),
      operations: { report: () => decisions.report() },
    };
  },
});
