// SPDX-License-Identifier: MPL-2.0
// What the plugin logs, as a table; README.md lists the same codes.
import type { PluginLog } from '../../host/plugin.js';

export const messages = {
  DECISIONS_DECIDED: { level: 'info', text: '{client} asked for {name}: {verdict}', help: '' },
  DECISIONS_LOST: {
    level: 'warn',
    text: '{lost} records of decisions were overwritten before they were read',
    help: 'Counters are exact all the same; rankings and the log miss these. Set sampling in nnoe.lua lower, or give the host more of a processor.',
  },
  DECISIONS_UNLOGGED: {
    level: 'warn',
    text: '{file} cannot be written: {reason}',
    help: 'Decisions are not logged meanwhile, but counted. Correct the path, its owner or the disk; it is tried every second.',
  },
} as const;

export type MessageCode = keyof typeof messages;

export function say(log: PluginLog, code: MessageCode, details: Record<string, unknown> = {}): void {
  const { level, text } = messages[code];
  const line = text.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? '?'));
  log[level]({ code, ...details }, line);
}
