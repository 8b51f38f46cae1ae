// SPDX-License-Identifier: MPL-2.0
// What every store owes, by the embedded one; what kills and damage do to it: test/daemons/store-embedded.test.ts.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import { conformance } from '../../../test/lib/conformance.js';
import { embeddedStore } from './embedded.js';

const directory = mkdtempSync(join(tmpdir(), 'nnoe-embedded-'));
const store = embeddedStore({ directory });
conformance(test, async () => store);

test.after(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

test.run();
