// SPDX-License-Identifier: MPL-2.0
import { definePlugin } from '../../host/plugin.js';
import { config, metrics, prefixes, publishes } from './declaration.js';
import { Follower } from './follower.js';

export default definePlugin({
  api: 1,
  name: 'roles',
  stability: 'beta',
  summary: 'Tells dnsdist which roles a client has, by its address.',
  config,
  consumes: {},
  prefixes,
  publishes,
  metrics,
  setup(ctx) {
    const follower = new Follower(ctx);
    follower.start();
    return { health: () => follower.health() };
  },
});
