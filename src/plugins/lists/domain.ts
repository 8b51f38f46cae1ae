// SPDX-License-Identifier: MPL-2.0
// Names of domains as text: one spelling for each.
import { domainToASCII } from 'node:url';
import type { NameScope } from '../../host/plugin.js';

/**
 * Lower case, ASCII (UTS 46), without a trailing dot; `.` is the root. Letters, digits, `-` and `_` in labels of
 * 1 to 63. Undefined when it is no such name, an IP address included.
 */
export function canonicalName(text: string): string | undefined {
  if (text === '.') return text;
  const whole = text.replace(/[.。．｡]$/, '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII.
  const name = /^[\x00-\x7f]*$/.test(whole) ? whole.toLowerCase() : domainToASCII(whole);
  if (name.length === 0 || name.length > 253) return undefined;
  const labels = name.split('.');
  const sound = labels.every((label) => /^[a-z0-9_-]{1,63}$/.test(label));
  return sound && !/^\d+$/.test(labels.at(-1) ?? '') ? name : undefined;
}

/** The names above `name`, the nearest first, the root last. */
export function* above(name: string): Generator<string> {
  if (name === '.') return;
  for (let dot = name.indexOf('.'); dot !== -1; dot = name.indexOf('.', dot + 1)) yield name.slice(dot + 1);
  yield '.';
}

/** Names that block lists must not cover. */
export class ProtectedNames {
  readonly names: readonly string[];
  readonly #names: ReadonlySet<string>;
  readonly #above = new Set<string>();

  /** @param names canonical. */
  constructor(names: Iterable<string>) {
    this.#names = new Set(names);
    this.names = [...this.#names].sort();
    for (const name of this.#names) for (const each of above(name)) this.#above.add(each);
  }

  /** Whether an entry would block one of them: it is one, or reaches below itself and stands above one. */
  coveredBy(name: string, scope: NameScope): boolean {
    return this.#names.has(name) || (scope === 'subtree' && this.#above.has(name));
  }
}

/**
 * Names that turn up on block lists by mistake now and then, and whose block takes a network down: what machines
 * look up to find the time, updates and whether they are online, and what half of all pages load from.
 */
export const usuallyProtected: readonly string[] = [
  'in-addr.arpa',
  'ip6.arpa',
  'root-servers.net',
  'pool.ntp.org',
  'time.apple.com',
  'time.google.com',
  'time.windows.com',
  'ajax.googleapis.com',
  'amazonaws.com',
  'apple.com',
  'azure.com',
  'captive.apple.com',
  'cloudflare.com',
  'connectivitycheck.gstatic.com',
  'debian.org',
  'detectportal.firefox.com',
  'fonts.googleapis.com',
  'github.com',
  'githubusercontent.com',
  'google.com',
  'googleapis.com',
  'gstatic.com',
  'icloud.com',
  'letsencrypt.org',
  'microsoft.com',
  'mozilla.org',
  'office.com',
  'office365.com',
  'ubuntu.com',
  'update.microsoft.com',
  'windows.com',
  'windowsupdate.com',
  'www.google.com',
  'www.msftconnecttest.com',
];
