// SPDX-License-Identifier: MPL-2.0
// `node embedded-verify.js FILE`: reads a store's file from its beginning to its end. Status 0 when all is as
// it has to be; 2 when it is no store of this format; else 1 and the reason on standard error, or the signal that
// a damaged page brought about.
import { NnoeError } from '../errors.js';
import { openReadTables } from './embedded-env.js';
import { readMeta } from './embedded-read.js';

function verify(file: string): string | undefined {
  const tables = openReadTables(file, true);
  const said = readMeta(tables, file);
  const { entries } = tables;
  let count = 0;
  let bytes = 0;
  for (const { key, value } of entries.getRange({})) {
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

let fault: string | undefined;
let status = 1;
try {
  fault = verify(process.argv[2] ?? '');
} catch (error) {
  fault = error instanceof Error ? error.message : String(error);
  if (error instanceof NnoeError) status = 2;
}
if (fault !== undefined) process.stderr.write(`${fault}\n`);
process.exit(fault === undefined ? 0 : status);
