// SPDX-License-Identifier: MPL-2.0
// What operators read and write of the store: keys below the host's root, and of those that people write.
import type { IncomingMessage } from 'node:http';
import type { Store } from '../store/store.js';
import type { StoreDeleted, StoreEntry, StoreListing, StorePut } from './api.js';
import { badRequest } from './refusal.js';

export interface StoreAccess {
  store: Store;
  /** Above every key, without a slash at its end. */
  root: string;
  /** Time for the store to answer, ms. */
  storeMs: number;
}

/** Of a key, as etcd takes them at least. */
const mostKey = 1024;
const mostListed = 1000;
/** What plugins write themselves, and would undo or be confused by. */
const owned = ['dhcp/'];

/** @throws Refused. */
export async function readKey({ store, root, storeMs }: StoreAccess, text: string): Promise<StoreEntry> {
  const key = keyOf(root, text);
  const entry = await store.get(key, AbortSignal.timeout(storeMs));
  if (entry === undefined) return { key };
  const { value, modRevision: revision } = entry;
  return { key, revision, ...contentOf(value) };
}

/** @throws Refused. */
export async function listKeys({ store, root, storeMs }: StoreAccess, text: string): Promise<StoreListing> {
  const prefix = keyOf(root, text, 'prefix');
  const entries: StoreListing['entries'][number][] = [];
  let revision = 0;
  const signal = AbortSignal.timeout(storeMs);
  for await (const page of store.list(prefix, { pageSize: mostListed, signal })) {
    revision = page.revision;
    const room = mostListed - entries.length;
    for (const { key, value, modRevision } of page.entries.slice(0, room))
      entries.push({ key, bytes: value.length, revision: modRevision });
    if (page.entries.length > room) return { prefix, revision, entries, more: true };
  }
  return { prefix, revision, entries, more: false };
}

/** @throws Refused. */
export async function writeKey(access: StoreAccess, text: string, value: Buffer): Promise<StorePut> {
  const key = writable(access.root, text);
  const operations = [{ put: key, value }];
  const { revision } = await access.store.commit({ operations }, AbortSignal.timeout(access.storeMs));
  return { key, revision, bytes: value.length };
}

/** @throws Refused. */
export async function deleteKey(access: StoreAccess, text: string): Promise<StoreDeleted> {
  const key = writable(access.root, text);
  const signal = AbortSignal.timeout(access.storeMs);
  const existed = (await access.store.get(key, signal)) !== undefined;
  const { revision } = await access.store.commit({ operations: [{ delete: key }] }, signal);
  return { key, revision, existed };
}

/** Below the root when it begins without a slash. */
function keyOf(root: string, text: string, what = 'key'): string {
  const key = text.startsWith('/') ? text : `${root}/${text}`;
  const control = /[\p{Cc}\p{Cs}]/u.test(key);
  if (key.startsWith(`${root}/`) && !control && Buffer.byteLength(key) <= mostKey) {
    if (what === 'prefix' || key.length > root.length + 1) return key;
  }
  const expected = `one below ${root}/, of ${mostKey} bytes at most and without control characters`;
  throw badRequest(`${what}: found ${JSON.stringify(text.slice(0, 60))}, expected ${expected}`);
}

function writable(root: string, text: string): string {
  const key = keyOf(root, text);
  const by = owned.find((each) => key.startsWith(`${root}/${each}`));
  if (by === undefined) return key;
  throw badRequest(
    `key: found ${JSON.stringify(text.slice(0, 60))}, expected one that people write; those below ${root}/${by} are written by plugins alone`,
  );
}

/** As text where it is text. */
function contentOf(value: Buffer): { value: string } | { base64: string } {
  try {
    return { value: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value) };
  } catch {
    return { base64: value.toString('base64') };
  }
}

/** @param most bytes. @throws Refused: larger. */
export async function bodyOf(request: IncomingMessage, most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > most)
      throw badRequest(`body: found more than ${most} bytes, expected a value of so many at most`, 413, {
        connection: 'close',
      });
    parts.push(part);
  }
  return Buffer.concat(parts);
}
