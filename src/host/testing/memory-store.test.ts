// SPDX-License-Identifier: MPL-2.0
// The store that plugins are tested on owes what every store owes.
import { test } from 'uvu';
import { conformance } from '../../../test/lib/conformance.js';
import { MemoryStore } from './memory-store.js';

const store = new MemoryStore();

conformance(test, async () => store);

test.after(() => store.close());

test.run();
