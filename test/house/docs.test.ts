// SPDX-License-Identifier: MPL-2.0
// Documents are there, and the files they name are. (Other names: docs-names.test.ts.)
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { anchors, documents, links, spans } from './lib/documents.js';
import { files, root, text } from './lib/tree.js';

const rooms = /^(\.ci|proto|native|src|bench|test|tools|examples|docs|build|dist)\//;
const kinds = /^[\w./-]+\.(ts|js|cc|h|md|sh|toml|mes|cmake|proto|json|conf|gyp)$/;

/** The operator's or the reader's, wherever they put it. */
const theirs = ['nnoe.toml', 'dnsdist.conf'];

/** Files and directories of the tree in backticks; patterns, commands and places for a name are not meant literally. */
const named = (document: string): string[] =>
  spans(document).filter(
    (span) =>
      (rooms.test(span) || kinds.test(span)) &&
      !/[\s*<>{…]/.test(span) &&
      !span.startsWith('/') &&
      !theirs.includes(span),
  );

/** From the top, from where the document stands, or, for a name alone, anywhere below where it stands. */
function isThere(document: string, path: string): boolean {
  const compiled = /^dist\/(.*)\.js$/.exec(path)?.[1];
  if (compiled !== undefined) return files.includes(`${compiled}.ts`);
  const variant = /^build\/(\w+)$/.exec(path)?.[1];
  if (variant !== undefined)
    return new RegExp(`^ .*\\b${variant}\\b.*\\)$`, 'm').test(text('tools/native.sh'));
  const at = dirname(document);
  if (existsSync(join(root, path)) || existsSync(join(root, at, path))) return true;
  const below = at === '.' || at.startsWith('docs') ? '' : `${at}/`;
  return !path.includes('/') && files.some((file) => file.startsWith(below) && file.endsWith(`/${path}`));
}

test('the documents at the top are there', () => {
  for (const file of ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'LICENSE'])
    assert.ok(files.includes(file), file);
});

test('README is about a screen', () => {
  assert.ok(text('README.md').split('\n').length <= 110);
});

test('every native room, every plugin and every package of an example has a README', () => {
  const found = new Set(
    files.flatMap((file) => {
      const room =
        /^(native\/[^/]+|src\/plugins\/[^/]+|src\/host|bench)\/|^(examples\/[^/]+)\/package\.json$/;
      const [, room1, room2] = room.exec(file) ?? [];
      return [room1 ?? room2 ?? []].flat();
    }),
  );
  assert.ok(found.size >= 7);
  assert.equal(
    [...found].filter((room) => !files.includes(`${room}/README.md`)),
    [],
  );
});

for (const document of documents) {
  test(`${document} names no file that is not there`, () => {
    assert.equal(
      named(document).filter((path) => !isThere(document, path)),
      [],
    );
  });

  test(`${document} links to nothing that is not there`, () => {
    const broken = links(document).filter(({ path, anchor }) => {
      const target = path === '' ? document : join(dirname(document), path);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchors(target).includes(anchor);
    });
    assert.equal(broken, []);
  });
}

/** Cells of the table below a heading of ARCHITECTURE.md, row by row. */
function table(heading: string): string[][] {
  const section = text('ARCHITECTURE.md').split(`## ${heading}`)[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(2).map((row) => row.split('|').slice(1, -1));
}

test('every invariant is guarded by tests, which are there', () => {
  const rows = table('Invariants');
  assert.ok(rows.length >= 9);
  for (const [invariant = '', guards = ''] of rows) {
    const tests = [...guards.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
    assert.ok(tests.length > 0, invariant);
    for (const file of tests)
      assert.ok(files.includes(file) && isRun(file), `${file} is no test that make test runs`);
  }
});

/** By its name, or because CMake is told of it; of what is fuzzed, also the cases are. */
const isRun = (file: string): boolean =>
  /\.test\.ts$/.test(file) ||
  [basename(file), `nnoe_fuzzed(${basename(file, '.cc').replace(/_cases$/, '')} `].some((told) =>
    text(join(dirname(file), 'CMakeLists.txt')).includes(told),
  );

test('every failure says where it shows', () => {
  const rows = table('How each failure shows');
  assert.ok(rows.length >= 15);
  for (const cells of rows)
    assert.ok(
      cells.every((cell) => cell.trim() !== ''),
      cells[0],
    );
});

test.run();
