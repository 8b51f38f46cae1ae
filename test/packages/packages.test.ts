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
  "nnoe setup kea shows the change as a diff, which Kea's own check takes, and changes nothing",
  "nnoe setup dnsdist shows the change, which dnsdist's own check takes, and changes nothing",
  'nnoe setup --apply makes the changes, and leaves what was beside them',
  'clients get leases',
  'the host shows exactly the leases that Kea has',
  'a name on a list does not exist',
  'no user gets to more than is his',
  'nnoe bench measures with what the package brings',
  'Kea is reconfigured under load, by command and by signal',
  'the host is started again with policies, under load',
  'a policy is in force, and refuses what it does not grant',
  'upgrade under load: the host first, then the hook and the bridge',
  'upgrade under load: the hook and the bridge first, then the host',
  'nnoe of older formats is refused, with what is installed and what it has',
  'nnoe-kea-hook of older formats is refused, with what is installed and what it has',
  'nnoe-dnsdist of older formats is refused, with what is installed and what it has',
  'tables of a later format: dnsdist stays with those it has, the host makes them anew, and both say what was found',
  'a journal of a later format: the host says what was found, and touches nothing',
  'a journal of a later format: Kea sets it aside, says what was found, and leases go on',
  'a store of a later format: the host does not start, says what was found, and leaves it',
  'the way back to the older version',
  'nnoe setup --remove --apply takes everything out again',
  'packages are purged',
  'nothing is left',
  'the README has this release as it was tested',
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

test.run();
