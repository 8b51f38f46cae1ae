// SPDX-License-Identifier: MPL-2.0
// Generated files are committed; generating again leaves no difference.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { root } from './lib/tree.js';

test('make gen leaves no diff', () => {
  const directory = mkdtempSync(join(tmpdir(), 'nnoe-gen-'));
  try {
    execFileSync(process.execPath, ['dist/tools/gen.js', directory], { cwd: root });
    const made = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) =>
      statSync(join(directory, file)).isFile(),
    );
    assert.ok(made.length >= 2, made.join(' '));
    for (const file of made) {
      assert.is(
        readFileSync(join(root, file), 'utf8'),
        readFileSync(join(directory, file), 'utf8'),
        `${file}: run make gen`,
      );
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test.run();
