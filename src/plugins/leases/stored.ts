// SPDX-License-Identifier: MPL-2.0
// Reading values that stand in the store, ours or not: fields may be missing, unknown, or numbers as strings.
import { declined, type Word } from './value.js';

export interface Stored {
  /** Undefined when it was not written by a node of ours. */
  node: string | undefined;
  seq: number;
  cltt: number;
  /** Kea's: 0 is a lease in use. */
  state: number;
  expiresAt: number;
  subnetId: number;
  word: Word;
  timestamp: number;
  /** See identityOf in value.ts. */
  identity: string;
}

function number(value: unknown): number {
  const parsed = typeof value === 'string' ? Number(value) : value;
  return typeof parsed === 'number' && Number.isFinite(parsed) ? parsed : 0;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const words: readonly string[] = ['offer', 'renew', 'release', 'expire'];

function identity(raw: Record<string, unknown>): string {
  if (number(raw.state) === declined) return '';
  if (text(raw.ip).includes(':')) {
    const duid = text(raw.duid).toLowerCase();
    return duid === '' ? '' : `${duid}/${number(raw.iaid)}`;
  }
  const client = text(raw.client_id).toLowerCase();
  if (client !== '') return `c${client}`;
  const hardware = text(raw.hwaddr).toLowerCase();
  return hardware === '' ? '' : `h${hardware}`;
}

/** What a value says; of one that is no JSON object, that nobody of ours wrote it. */
export function readStored(value: Buffer): Stored {
  let raw: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(value.toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null) raw = parsed as Record<string, unknown>;
  } catch {
    // Foreign; it is treated as a value that says nothing.
  }
  const word = text(raw.operation);
  return {
    node: typeof raw.node === 'string' ? raw.node : undefined,
    seq: number(raw.seq),
    cltt: number(raw.cltt),
    state: number(raw.state),
    expiresAt: number(raw.expires_at) || number(raw.cltt) + number(raw.valid_lft),
    subnetId: number(raw.subnet_id),
    word: words.includes(word) ? (word as Word) : 'renew',
    timestamp: number(raw.timestamp),
    identity: identity(raw),
  };
}
