// SPDX-License-Identifier: MPL-2.0
// The Debian packages of this machine's release, built here and put to work in a clean root of it (tools/packages.sh, which
// `make test-packages` calls for every release): each thing that was looked at there is a case here.
// limit: 900 s
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

/** What has to have been looked at, whatever else was. */
const promised = [
  'packages are installed, without a network',
  'the host runs as nnoe',
  'directories are for whom they are meant, and for nobody else',
  "AppArmor's parser takes Kea's profiles with the rules in them",
  'clients get leases',
  'the host shows exactly the leases that Kea has',
  'a name on a list does not exist',
  'no user gets to more than is his',
  'upgrade under load: the host first, then the hook and the bridge',
  'upgrade under load: the hook and the bridge first, then the host',
  'packages are purged',
  'nothing is left',
];

const release = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';

function run(program: string, args: readonly string[]): string {
  // Packing tightly takes longer than all else.
  const env = { ...process.env, DEB_COMPRESSION: 'none' };
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env });
  if (error) throw error;
  // A case that failed is told below, by its name.
  if (status !== 0 && !stdout.includes('FAIL'))
    throw new Error(`${program} ended with ${status}: ${stdout}${stderr}`);
  return stdout;
}

let lines: string[] = [];
test('packages are built', () => {
  assert.match(run('tools/deb.sh', ['--here']), /nnoe_[^/]*\.deb\n/);
});

test('they were put to work', () => {
  lines = run('tools/packages.sh', ['--built', release]).split('\n');
  const failed = lines.filter((line) => line.startsWith('FAIL'));
  assert.equal(failed, [], `build/packages/${release}.log says more`);
});

for (const what of promised) test(what, () => assert.ok(lines.includes(`ok    ${what}`), what));

test('the README names the versions that were tested', () => {
  const [, kea = '', dnsdist = ''] = lines.find((line) => line.startsWith(`${release} `))?.split(/ +/) ?? [];
  const upstream = (version: string) => version.replace(/-[^-]*$/, '');
  const readme = readFileSync('README.md', 'utf8').replace(/ +/g, ' ');
  assert.ok(readme.includes(`| ${upstream(kea)} | ${upstream(dnsdist)} |`), `${kea}, ${dnsdist}`);
});

test.run();
