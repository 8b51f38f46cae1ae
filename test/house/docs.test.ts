// SPDX-License-Identifier: MPL-2.0
// What the documents name is there.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { errors } from '../../src/host/errors.js';
import { messages } from '../../src/host/messages.js';
import { files, root, text } from './lib/tree.js';

const documents = files.filter((file) => file.endsWith('.md') && file !== 'CHANGELOG.md');
const rooms = /^(\.ci|proto|native|src|bench|test|tools|examples|docs)\//;

/** Paths of the tree in backticks or links; patterns and places for a name are not meant literally. */
function named(document: string): string[] {
  // A line that is a path alone names a file of the reader's, in a page to follow.
  const body = text(document).replace(/^`[^`]+`$/gm, '');
  const quoted = [...body.matchAll(/`([^`\s]+)`/g)]
    .map((match) => match[1] ?? '')
    .filter((path) => rooms.test(path));
  const linked = [...text(document).matchAll(/\]\(([^)#:]+)\)/g)].map((match) =>
    join(dirname(document), match[1] ?? ''),
  );
  return [...quoted, ...linked].filter((path) => !/[*<>{…]/.test(path));
}

test('the documents at the top are there', () => {
  for (const file of ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'LICENSE'])
    assert.ok(files.includes(file), file);
});

test('README is about a screen', () => {
  assert.ok(text('README.md').split('\n').length <= 90);
});

test('every native room, every plugin and every package of an example has a README', () => {
  const rooms = new Set(
    files.flatMap((file) => {
      const room =
        /^(native\/[^/]+|src\/plugins\/[^/]+|src\/host|bench)\/|^(examples\/[^/]+)\/package\.json$/;
      const [, room1, room2] = room.exec(file) ?? [];
      return [room1 ?? room2 ?? []].flat();
    }),
  );
  assert.ok(rooms.size >= 7);
  assert.equal(
    [...rooms].filter((room) => !files.includes(`${room}/README.md`)),
    [],
  );
});

for (const document of documents) {
  test(`${document} names no file that is not there`, () => {
    assert.equal(
      named(document).filter(
        (path) => !existsSync(join(root, path)) && !existsSync(join(root, dirname(document), path)),
      ),
      [],
    );
  });
}

test('ARCHITECTURE.md names only codes that exist', () => {
  const hook = [...text('native/kea-hook/nnoe_messages.mes').matchAll(/^% (\w+)/gm)].map(
    (match) => match[1] ?? '',
  );
  const plugins = files
    .filter((file) => /^src\/plugins\/.*\.ts$/.test(file))
    .map(text)
    .join('\n');
  const codes = [...text('ARCHITECTURE.md').matchAll(/`([A-Z]+(?:_[A-Z0-9]+)+)`/g)].map(
    (match) => match[1] ?? '',
  );
  assert.ok(codes.length > 8);
  const unknown = codes.filter(
    (code) =>
      !(code in errors) && !(code in messages) && !hook.includes(code) && !plugins.includes(`${code}:`),
  );
  assert.equal(unknown, []);
});

test('every invariant is guarded by a test', () => {
  const section = text('ARCHITECTURE.md').split('## Invariants')[1]?.split('\n## ')[0] ?? '';
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (---|invariant )/.test(line));
  assert.ok(rows.length >= 9);
  assert.equal(
    rows.filter((row) => !/`[\w/.-]*test[\w/.-]*`/.test(row.split('|')[2] ?? '')),
    [],
  );
});

test.run();
