// SPDX-License-Identifier: MPL-2.0
// For the tests beside this file: the plugin on a store and a tables directory in memory, with files of their own.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { type HarnessOptions, harness } from '../../host/testing.js';
import plugin from './plugin.js';
import type { ListReport, ListsReport } from './report.js';

export const directory = mkdtempSync(join(tmpdir(), 'nnoe-lists-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));

let files = 0;
export const fresh = () => join(directory, `list${files++}.txt`);

/** As a careful downloader does: written beside it, then renamed into place. */
export function replaceFile(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** So many names, one a row. */
export const rows = (count: number, suffix = 'example'): string =>
  Array.from({ length: count }, (_, i) => `n${i}.${suffix}\n`).join('');

export const start = (config: Record<string, unknown>, more: Omit<HarnessOptions, 'config'> = {}) =>
  harness(plugin, { ...more, config });

export type Started = Awaited<ReturnType<typeof start>>;

export const report = async (h: Started): Promise<ListsReport> => (await h.operate('report')) as ListsReport;

export async function listOf(h: Started, name: string): Promise<ListReport> {
  const found = (await report(h)).lists.find((each) => each.name === name);
  assert.ok(found, `no list ${name}`);
  return found;
}

/** Names on a list, as published. */
export const names = async (h: Started, list: string): Promise<readonly string[]> =>
  (await h.table('names')).lists[list]?.names ?? [];

/** Resolves when `probe` is true; fails the test after 5 s. */
export async function until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 5000;
  while (!(await probe())) {
    if (performance.now() > end) assert.unreachable(`not in time: ${what}`);
    await wait(5);
  }
}
