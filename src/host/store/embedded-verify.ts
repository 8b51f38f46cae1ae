// SPDX-License-Identifier: MPL-2.0
// `node embedded-verify.js FILE`: reads a store's file from its beginning to its end. Status 0 when all is as
// it has to be; else 1 and the reason on standard error, or the signal that a damaged page brought about.
import { metaKey, openReadTables } from './embedded-env.js';
import { format } from './embedded-format.js';

function verify(file: string): string | undefined {
  const { entries, meta } = openReadTables(file, true);
  const said = meta.get(metaKey);
  if (said === undefined) return 'it does not say what it is';
  if (said.format !== format) return `it has format ${said.format}, this release has ${format}`;
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
try {
  fault = verify(process.argv[2] ?? '');
} catch (error) {
  fault = error instanceof Error ? error.message : String(error);
}
if (fault !== undefined) process.stderr.write(`${fault}\n`);
process.exit(fault === undefined ? 0 : 1);
