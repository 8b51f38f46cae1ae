// SPDX-License-Identifier: MPL-2.0
// Where the repository is, from compiled code anywhere below it.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function above(from: string): string {
  if (existsSync(join(from, 'tsconfig.json'))) return from;
  if (from === dirname(from)) throw new Error('no tsconfig.json above the test');
  return above(dirname(from));
}

export const tree = above(dirname(fileURLToPath(import.meta.url)));
