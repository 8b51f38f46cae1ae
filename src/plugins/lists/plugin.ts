// SPDX-License-Identifier: MPL-2.0
import { definePlugin } from '../../host/plugin.js';
import { config, consumes, metrics, prefixes, publishes } from './declaration.js';
import { Lists } from './lists.js';

export default definePlugin({
  api: 1,
  name: 'lists',
  stability: 'beta',
  summary: 'Blocks and allows names by lists: files as they are published, and the threats in the store.',
  config,
  consumes,
  prefixes,
  publishes,
  metrics,
  async setup(ctx) {
    const lists = new Lists(ctx);
    await lists.start();
    return {
      health: () => lists.health(),
      stop: () => lists.stop(),
      operations: {
        report: () => lists.report(),
        reload: (name) => lists.reload(name),
        accept: (name) => lists.accept(name),
      },
    };
  },
});
