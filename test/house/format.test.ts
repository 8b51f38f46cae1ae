// SPDX-License-Identifier: MPL-2.0
// One formatter for each language, over the whole tree, and the linter for TypeScript.
import { spawnSync } from 'node:child_process';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from './lib/tree.js';

test('make check has nothing to say about format', () => {
  const { status, stdout, stderr } = spawnSync('tools/lint.sh', ['--quick'], { cwd: root, encoding: 'utf8' });
  assert.is(status, 0, `${stdout}${stderr}`);
});

test.run();
