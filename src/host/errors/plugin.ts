// SPDX-License-Identifier: MPL-2.0
// Errors of plugins and what is declared by them; see ../errors.ts.
import type { ErrorSpec } from './spec.js';

export const pluginErrors = {
  PLUGIN_BATCH_FAILED: {
    code: 'PLUGIN_BATCH_FAILED',
    message: 'plugin {plugin} failed on a batch of {source} ({first} to {last}): {reason}',
    help: 'The plugin is restarted and the batch is handed to it again. Other plugins go on. When it fails on the same batch every time, the record in it needs looking at.',
    retry: true,
  },
  PLUGIN_BATCH_TIMEOUT: {
    code: 'PLUGIN_BATCH_TIMEOUT',
    message: 'plugin {plugin} did not finish a batch of {source} ({first} to {last}) within {seconds} s',
    help: 'The time counts only while the store answers. The plugin is restarted and the batch is handed to it again; what it does with the old one no longer counts.',
    retry: true,
  },
  PLUGIN_DECISIONS_FAILED: {
    code: 'PLUGIN_DECISIONS_FAILED',
    message: 'plugin {plugin} failed on a batch of decisions: {reason}',
    help: 'The plugin is restarted; that batch does not come again. Other plugins go on, and dnsdist waits for nobody.',
    retry: true,
  },
  PLUGIN_FOLLOW_FAILED: {
    code: 'PLUGIN_FOLLOW_FAILED',
    message: 'plugin {plugin} failed while following {prefix}: {reason}',
    help: 'The plugin is restarted and begins with what the prefix holds then.',
    retry: true,
  },
  PLUGIN_HEALTH_FAILED: {
    code: 'PLUGIN_HEALTH_FAILED',
    message: 'plugin {plugin} could not say how it is: {reason}',
    help: 'Its health function threw. A fault in the plugin; it is restarted.',
    retry: true,
  },
  PLUGIN_INVALID: {
    code: 'PLUGIN_INVALID',
    message: 'plugin {plugin} is refused: {reason}',
    help: 'What the plugin declares is not what this host understands. Use a version of it made for this release.',
    retry: false,
    exit: 78,
  },
  PLUGIN_SETUP_FAILED: {
    code: 'PLUGIN_SETUP_FAILED',
    message: 'plugin {plugin} did not start: {reason}',
    help: 'It is tried again with growing pauses, up to a minute.',
    retry: true,
  },
  PLUGIN_SETUP_TIMEOUT: {
    code: 'PLUGIN_SETUP_TIMEOUT',
    message: 'plugin {plugin} did not start within {seconds} s',
    help: 'The time counts only while the store answers. It is tried again with growing pauses, up to a minute.',
    retry: true,
  },
  PLUGIN_STOP_FAILED: {
    code: 'PLUGIN_STOP_FAILED',
    message: 'plugin {plugin} failed while stopping: {reason}',
    help: 'Its batches had settled before, so nothing is lost.',
    retry: true,
  },
  PLUGIN_STOP_TIMEOUT: {
    code: 'PLUGIN_STOP_TIMEOUT',
    message: 'plugin {plugin} did not stop within {seconds} s and is left behind',
    help: 'Whatever it still does no longer counts: its cursor does not move.',
    retry: true,
  },
  PLUGIN_TABLE_FAILED: {
    code: 'PLUGIN_TABLE_FAILED',
    message: 'plugin {plugin} failed when it was told of a change by its table {table}: {reason}',
    help: 'The plugin is restarted with growing pauses, up to a minute. What it published stays in force.',
    retry: true,
  },
  PLUGIN_TIMER_FAILED: {
    code: 'PLUGIN_TIMER_FAILED',
    message: 'plugin {plugin} failed in its periodic work: {reason}',
    help: 'The plugin is restarted with growing pauses, up to a minute.',
    retry: true,
  },
  PLUGIN_UNDECLARED: {
    code: 'PLUGIN_UNDECLARED',
    message: 'plugin {plugin} used {what}, which it does not declare',
    help: 'A plugin reaches only the streams, prefixes, tables and metrics that it declares, and writes only below prefixes declared with access "write". A fault in the plugin.',
    retry: false,
  },
} as const satisfies Record<string, ErrorSpec>;
