// SPDX-License-Identifier: MPL-2.0
// `node embedded-verify.js FILE`: reads a store's file from its beginning to its end, as of one revision. Status 0
// when all is as it has to be; 3 when it is not, with the reason on standard error, or the signal that a damaged
// page brought about; 1 when it could not be read for another reason.
import { damagedStatus } from './embedded-check.js';
import { openReadTables } from './embedded-env.js';
import { readMeta } from './embedded-read.js';

/** LMDB's own words for a damaged file, as lmdb-js passes them on. */
const damageWords = /MDB_(PAGE_NOTFOUND|CORRUPTED|INVALID)/;
/** No key is empty; without it, lmdb-js begins at keys that begin with the byte 5. */
const firstKey = Buffer.from([0]);

function verify(file: string): string | undefined {
  const tables = openReadTables(file, true);
  const said = readMeta(tables, file);
  const { entries } = tables;
  let count = 0;
  let bytes = 0;
  for (const { key, value } of entries.getRange({ start: firstKey })) {
    const { createRevision, modRevision } = value;
    if (!(createRevision >= 1 && createRevision <= modRevision && modRevision <= said.revision))
      return `revisions of ${String(key)} are ${createRevision}, ${modRevision} of ${said.revision}`;
    count++;
    bytes += Buffer.byteLength(key as string) + value.value.length;
  }
  if (count !== said.entries || bytes !== said.bytes)
    return `it holds ${count} keys of ${bytes} bytes, and should hold ${said.entries} of ${said.bytes}`;
  return undefined;
}

let status = 0;
let fault: string | undefined;
try {
  fault = verify(process.argv[2] ?? '');
  if (fault !== undefined) status = damagedStatus;
} catch (error) {
  fault = error instanceof Error ? error.message : String(error);
  // What has no code was thrown by a record that is none.
  const { code } = error as { code?: unknown };
  status = code === undefined || code === 'STORE_DAMAGED' || damageWords.test(fault) ? damagedStatus : 1;
}
if (fault !== undefined) process.stderr.write(`${fault}\n`);
process.exit(status);
