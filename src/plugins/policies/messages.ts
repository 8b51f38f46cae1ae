// SPDX-License-Identifier: MPL-2.0
// What the plugin logs, as a table; README.md lists the same codes.
import type { PluginLog } from '../../host/plugin.js';

export const messages = {
  POLICIES_PDP_AWAY: {
    level: 'warn',
    text: 'the policy decision point does not answer: {reason}',
    help: 'What was compiled last stays in force. Changes of policies, of roles and of the time wait until it answers.',
  },
  POLICIES_PDP_ENDED: {
    level: 'warn',
    text: 'Cerbos ended with {status} and is started again; it last wrote: {output}',
    help: 'What was compiled last stays in force meanwhile.',
  },
  POLICIES_PDP_LOST: {
    level: 'warn',
    text: 'Cerbos at {address} does not have the policies any more that it was given; it is given them again',
    help: 'What was compiled last stays in force meanwhile. It was started again with a storage that forgets, or somebody else changes its policies.',
  },
  POLICIES_PDP_STARTED: { level: 'info', text: 'Cerbos answers again', help: '' },
  POLICIES_PUBLISHED: {
    level: 'info',
    text: '{policies} policies are in force for {sets} sets of roles: {programs} compiled, {fallback} go by on-miss; took {ms} ms',
    help: '',
  },
  POLICIES_NONE: {
    level: 'warn',
    text: 'there is no policy to go by: queries meet what `fail` of the bridge says',
    help: 'Put a policy for the resource dns_query below policies/ in the store, or turn the plugin off. Nobody is allowed anything by an empty policy.',
  },
  POLICIES_REFUSED: {
    level: 'error',
    text: 'policy {policy} is refused, {instead}: {reason}',
    help: 'The other policies are in force. `nnoe policies lint` says the same of a file before it is put into the store.',
  },
} as const;

export type MessageCode = keyof typeof messages;

export function say(log: PluginLog, code: MessageCode, details: Record<string, string | number> = {}): void {
  const { level, text } = messages[code];
  const line = text.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? '?'));
  log[level]({ code, ...details }, line);
}
