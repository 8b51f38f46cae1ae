// SPDX-License-Identifier: MPL-2.0
// What the plugin logs, as a table; README.md lists the same codes.
import type { PluginLog } from '../../host/plugin.js';

export const messages = {
  ROLES_CONFLICT: {
    level: 'warn',
    text: '{count} prefixes have keys that disagree, such as {prefix}: {used} counts, and {unused} does not',
    help: 'Several keys mean the same clients. The one in canonical form counts, else the first in byte order. Remove the others.',
  },
  ROLES_MALFORMED: {
    level: 'warn',
    text: '{count} mappings are not used, such as {key}: {reason}',
    help: 'The others are. Correct or remove the keys that `nnoe status` names.',
  },
  ROLES_TAKEN: { level: 'info', text: '{mappings} mappings taken from the store in {seconds} s', help: '' },
} as const;

export type MessageCode = keyof typeof messages;

export function say(log: PluginLog, code: MessageCode, details: Record<string, string | number> = {}): void {
  const { level, text } = messages[code];
  const line = text.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? '?'));
  log[level]({ code, ...details }, line);
}
