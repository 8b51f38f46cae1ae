// SPDX-License-Identifier: MPL-2.0
// What was not declared does not compile, against the types as they are published. The files in wrong/ say at
// which lines and in which words the compiler complains; a complaint too few fails like one too many.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { tree } from '../lib/tree.js';

const directory = join(tree, 'test/contract/wrong');
const files = readdirSync(directory).filter((file) => file.endsWith('.ts'));

/** What the compiler says, by file and line; notes that follow a message are part of it. */
function complaints(): Map<string, string> {
  const tsc = join(tree, 'node_modules/.bin/tsc');
  const { stdout } = spawnSync(tsc, ['-p', directory, '--pretty', 'false'], {
    cwd: directory,
    encoding: 'utf8',
  });
  const found = new Map<string, string>();
  let at = '';
  for (const line of stdout.split('\n').filter((each) => each !== '')) {
    const place = /^(\S+)\((\d+),\d+\): error (.*)$/.exec(line);
    if (place) at = `${place[1]}:${place[2]}`;
    found.set(at, `${found.get(at) ?? ''}${place?.[3] ?? line}\n`);
  }
  return found;
}

/** What wrong/ expects: by file and line, the words. */
function expected(): Map<string, string> {
  return new Map(
    files.flatMap((file) =>
      readFileSync(join(directory, file), 'utf8')
        .split('\n')
        .flatMap((line, i): [string, string][] => {
          const words = /^\s*\/\/ wrong: (.*)$/.exec(line)?.[1];
          return words === undefined ? [] : [[`${file}:${i + 2}`, words]];
        }),
    ),
  );
}

const said = complaints();

for (const [place, words] of expected()) {
  test(`${place} does not compile: ${words}`, () => {
    assert.ok(said.get(place)?.includes(words), said.get(place) ?? 'it compiles');
  });
}

test('the rest of these files compiles', () => {
  const wanted = expected();
  assert.ok(wanted.size > 30);
  assert.equal(
    [...said].filter(([place]) => !wanted.has(place)),
    [],
  );
});

test.run();
