// SPDX-License-Identifier: MPL-2.0
// Prints which format of each kind of file this tree reads and writes, as `journal 1`, a line each: packages carry it, and
// their maintainer scripts compare.
//   node dist/tools/package/formats.js [KIND...]
import { readFileSync } from 'node:fs';
import { format as store } from '../../src/host/store/embedded-format.js';

function versionIn(header: string): number {
  const version = /constexpr uint32_t kVersion = (\d+);/.exec(readFileSync(header, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${header}: no kVersion`);
  return Number(version);
}

const formats: Record<string, number> = {
  journal: versionIn('native/shm/layout.h'),
  store,
  tables: versionIn('native/shm/tables/layout.h'),
};
const wanted = process.argv.slice(2);
for (const [kind, version] of Object.entries(formats))
  if (wanted.length === 0 || wanted.includes(kind)) console.log(`${kind} ${version}`);
