// SPDX-License-Identifier: MPL-2.0
// What the plugin logs, as a table; README.md lists the same codes.
import type { PluginLog } from '../../host/plugin.js';

export const messages = {
  LISTS_FAILED: {
    level: 'warn',
    text: 'list {list} stays as it is: {reason}',
    help: 'Its file could not be read. It is tried again at every change and every check-interval.',
  },
  LISTS_HELD: {
    level: 'warn',
    text: 'list {list} stays as it is: {reason}',
    help: 'Usually a download broke off. When the loss is meant, nnoe lists accept takes it; a file that has grown again is taken by itself.',
  },
  LISTS_LOADED: {
    level: 'info',
    text: 'list {list} has {names} names; {bad} rows were not used',
    help: 'nnoe lists tells the reasons and the first rows.',
  },
  LISTS_PROTECTED_FAILED: {
    level: 'warn',
    text: 'the protected names stay as they are: {reason}',
    help: 'The file could not be read, or names in it are none. It is tried again at every change and every check-interval.',
  },
  LISTS_THREAT_MALFORMED: {
    level: 'warn',
    text: 'the threat {key} is not used: {reason}',
    help: 'The value in the store is not as the layout says. The others are used. At most 20 an hour are logged.',
  },
  LISTS_UNWATCHED: {
    level: 'info',
    text: '{directory} cannot be watched: {reason}',
    help: 'Changes are seen every check-interval instead.',
  },
  LISTS_WITHHELD: {
    level: 'warn',
    text: 'list {list} would block {count} protected names; they are left out: {names}',
    help: 'If one is to be blocked, take it off the protected names; those of the plugin itself are switched off by protect-usual.',
  },
} as const;

export type MessageCode = keyof typeof messages;

export function say(log: PluginLog, code: MessageCode, details: Record<string, string | number> = {}): void {
  const { level, text } = messages[code];
  const line = text.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? '?'));
  log[level]({ code, ...details }, line);
}
