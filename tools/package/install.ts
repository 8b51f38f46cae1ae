// SPDX-License-Identifier: MPL-2.0
// Copies what a Debian package holds of the compiled tree: programs, the npm packages that they need, the addon and the
// drivers of the bench, in the places relative to each other in which the tree has them.
//   node dist/tools/package/install.js DIRECTORY [NODE]     NODE: a Node.js to put in as well
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { closureOf, type Installed, packagesBelow } from './closure.js';

const root = process.cwd();
const [target = '', node] = process.argv.slice(2);
if (target === '') throw new Error('usage: install.js DIRECTORY [NODE]');

const addon = 'build/Release/nnoe_native.node';

/** Of no use at run time, and not imported. Licences stay, as they ask for. */
const spare =
  /^(test|tests|docs|doc|example|examples|benchmark|benchmarks|coverage|dependencies|tools)$|(^|\/)bin$|\.(map|markdown|html|[mc]?ts|tsbuildinfo|flow|ya?ml|gypi?|cc?|cpp|h|hpp|mdb|sh|bat|cmd|ps1|sln)$|(^|\/)(README|CHANGELOG|HISTORY|CHANGES|CONTRIBUTING|SECURITY|AUTHORS)(\.md)?$|(^|\/)\.[^/]*$/i;
/** Built for another libc, or for one Node.js when there is one for all. */
const otherBinary = /\.musl\.node$|\.abi\d+\.glibc\.node$/;

const isScript = (file: string) => /\.[cm]?js$|\.d\.ts$/.test(file);
/** Something to be run, which nobody imports. */
const isProgram = (file: string) =>
  isScript(file) && readFileSync(join(root, file), 'latin1').startsWith('#!');

function put(from: string, to: string): void {
  const path = join(target, to);
  mkdirSync(dirname(path), { recursive: true });
  // What starts it is /usr/bin/nnoe, which knows where Node.js is.
  if (isProgram(from)) writeFileSync(path, readFileSync(join(root, from), 'utf8').replace(/^#!.*\n/, ''));
  else copyFileSync(join(root, from), path);
  const binary = readFileSync(path).subarray(0, 4).equals(Buffer.from('\x7fELF')) && !/\.(node|so)$/.test(to);
  chmodSync(path, binary ? 0o755 : 0o644);
}

/** Files below a directory of npm's; what is nested in it is a package of its own. */
function filesBelow(directory: string, wanted: (path: string) => boolean): string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = `${directory}/${entry.name}`;
    if (entry.name === 'node_modules' || !wanted(path)) return [];
    return entry.isDirectory() ? filesBelow(path, wanted) : [path];
  });
}

function putPackage({ directory, name }: Installed): void {
  const below = (path: string) => path.slice(directory.length + 1);
  const files = filesBelow(directory, (path) => !spare.test(below(path))).filter((file) => !isProgram(file));
  const universal = files.some((file) => file.endsWith('.napi.glibc.node'));
  for (const file of files) if (!(universal && otherBinary.test(file))) put(file, file);
  if (files.length === 0) throw new Error(`nothing is left of the npm package ${name}`);
}

/** Compiled files besides tests: those of the product all, of the rest what the bench needs. */
const product = filesBelow('dist/src', (path) => !/\.test\.|test-support\.|\.map$/.test(path));
const entries = product.filter((file) => file.endsWith('.js'));
const cases = filesBelow('dist/bench', (path) => !/\.test\.|\.map$|\.d\.ts$/.test(path));
const { files, packages } = closureOf(root, [...entries, ...cases]);
const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};
const needed = packagesBelow(root, [...new Set([...packages, ...Object.keys(own.dependencies)])]);

for (const file of new Set([...product, ...files])) put(file, file);
for (const each of needed) putPackage(each);
const filesIn = (directory: string) =>
  readdirSync(join(root, directory), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${directory}/${entry.name}`);
// Besides drivers cmake leaves its own files there.
const drivers = filesIn('build/bench').filter((file) => !/Makefile$|\.(cmake|txt)$/.test(file));
const data = filesIn('bench').filter((file) => file.endsWith('.json'));
for (const file of ['package.json', 'proto/nnoe.proto', addon, ...drivers, ...data]) put(file, file);
if (node !== undefined) {
  copyFileSync(node, join(target, 'node'));
  chmodSync(join(target, 'node'), 0o755);
}
const list = needed.map(
  ({ name, version, license }) => `${name} ${version}: ${license ?? 'see its own file'}`,
);
writeFileSync(join(target, 'third-party.txt'), `${[...new Set(list)].join('\n')}\n`);
