// SPDX-License-Identifier: MPL-2.0
// limit: 300 s
// binding.gyp alone builds the addon: in a copy that has no CMakeLists.txt, with a PATH without cmake's use.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { abi } from '../../src/host/native.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'nnoe-gyp-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));

/** Headers beside the Node.js in use, so that nothing is downloaded where they are installed. */
function headers(): string[] {
  const prefix = join(dirname(process.execPath), '..');
  return existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

test('node-gyp builds an addon that loads', () => {
  for (const part of ['binding.gyp', 'package.json', 'native/addon', 'native/shm']) {
    cpSync(join(root, part), join(copy, part), {
      recursive: true,
      filter: (from) => !from.endsWith('CMakeLists.txt'),
    });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  const gyp = join(root, 'node_modules/node-gyp/bin/node-gyp.js');
  // What is compiled is the question, not how well; the last -O counts.
  const env = { ...process.env, CXXFLAGS: '-O0' };
  execFileSync(process.execPath, [gyp, 'rebuild', '--jobs', '2', ...headers()], {
    cwd: copy,
    env,
    stdio: 'pipe',
  });
  const addon = createRequire(import.meta.url)(join(copy, 'build/Release/nnoe_native.node')) as {
    abi: number;
    openJournal: unknown;
    openTables: unknown;
  };
  assert.is(addon.abi, abi);
  assert.type(addon.openJournal, 'function');
  assert.type(addon.openTables, 'function');
});

test.run();
