// SPDX-License-Identifier: MPL-2.0
// What the plugin logs, as a table; README.md lists the same codes.
import type { PluginLog } from '../../host/plugin.js';

export const messages = {
  LEASES_COUNT_FAILED: {
    level: 'warn',
    text: 'the leases in the store cannot be counted: {reason}',
    help: 'nnoe_dhcp_leases_active is left out until they can; it is tried again every minute. Leases are written as ever.',
  },
  LEASES_REFUSED: {
    level: 'error',
    text: 'cannot write {key}: {reason}',
    help: 'That one record is given up and the stream goes on. The reason names what is wrong with it; Kea still has the lease.',
  },
  LEASES_STORE_RESET: {
    level: 'warn',
    text: 'the store is empty or another one; asking Kea for all leases',
    help: 'Everything this node had written is written again by a walk. History from before is gone with the old store.',
  },
  LEASES_STUCK: {
    level: 'error',
    text: 'writing stopped: {reason}',
    help: 'The plugin is restarted and goes on from its cursor.',
  },
  LEASES_SWEPT: { level: 'info', text: '{removed} keys removed: {reason}', help: '' },
  LEASES_WALK_DONE: {
    level: 'info',
    text: 'walk {walk} of {source} compared with the store: {removed} keys removed, {damaged} damaged',
    help: 'Removed: Kea no longer has them. Damaged: gone or altered in the store by somebody else; another walk writes them again.',
  },
  LEASES_WALK_FAILED: {
    level: 'warn',
    text: 'a walk of {source} could not be compared with the store: {reason}',
    help: 'Another walk is asked for.',
  },
  LEASES_WRITERS: {
    level: 'warn',
    text: 'cannot put this node on the list of writers: {reason}',
    help: 'Nothing is lost; every write compares its own key, which costs the store more. Check that the store lets this user write below dhcp/writers/.',
  },
} as const;

export type MessageCode = keyof typeof messages;

export function say(log: PluginLog, code: MessageCode, details: Record<string, string | number> = {}): void {
  const { level, text } = messages[code];
  const line = text.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? '?'));
  log[level]({ code, ...details }, line);
}
