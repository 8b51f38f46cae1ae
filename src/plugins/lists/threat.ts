// SPDX-License-Identifier: MPL-2.0
// Values below threats/domains/, and which lists take them.
import type { ListConfig } from './declaration.js';
import { canonicalName } from './domain.js';

export interface Threat {
  /** Canonical. */
  name: string;
  source: string;
  severity: string | undefined;
  category: string | undefined;
}

/** json: no JSON object; domain, source: missing or none; key: the key names another domain. */
export type ThreatFault = 'json' | 'domain' | 'source' | 'key';
export const threatFaults: readonly ThreatFault[] = ['json', 'domain', 'source', 'key'];

export interface BadThreat {
  fault: ThreatFault;
  /** What was found and what was expected. */
  reason: string;
}

/** @param key of the entry, below the prefix. */
export function parseThreat(key: string, value: Buffer): Threat | BadThreat {
  const fields = objectOf(value);
  if (fields === undefined) return { fault: 'json', reason: 'found no JSON object' };
  const { domain, source, severity, category } = fields;
  const name = typeof domain === 'string' ? canonicalName(domain.replace(/^\*\./, '')) : undefined;
  if (name === undefined || name === '.')
    return { fault: 'domain', reason: `domain: found ${shown(domain)}, expected a domain name` };
  if (typeof source !== 'string' || source === '')
    return { fault: 'source', reason: `source: found ${shown(source)}, expected a text` };
  if (canonicalName(key.replace(/^\*\./, '')) !== name)
    return { fault: 'key', reason: `domain: found ${shown(domain)}, expected that of the key` };
  return {
    name,
    source,
    severity: typeof severity === 'string' ? severity.toLowerCase() : undefined,
    category: typeof category === 'string' ? category : undefined,
  };
}

/** Whether a list that takes threats takes this one. A filter leaves out what does not say. */
export function takes({ severity, category, source }: ListConfig, threat: Threat): boolean {
  const among = (filter: readonly string[], value: string | undefined) =>
    filter.length === 0 || (value !== undefined && filter.includes(value));
  return among(severity, threat.severity) && among(category, threat.category) && among(source, threat.source);
}

function objectOf(value: Buffer): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(value.toString('utf8'));
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
