// SPDX-License-Identifier: MPL-2.0
import { z } from 'zod';
import { definePlugin } from '../plugin.js';

export const samplePlugin = definePlugin({
  api: 1,
  name: 'sample',
  stability: 'experimental',
  summary: 'For tests.',
  config: z.object({
    window: z.int().min(1).max(8).default(2).meta({ description: 'How many.', unit: 'batches' }),
    mode: z.enum(['a', 'b']).default('a').meta({ description: 'How.' }),
  }),
  consumes: {},
  prefixes: {},
  metrics: {},
  setup: () => ({ health: () => ({ state: 'ok' }) }),
});
