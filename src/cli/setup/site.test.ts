// SPDX-License-Identifier: MPL-2.0
// What is left to do on a machine: AppArmor's profiles in the forms that Debian has them, and NNOE's own configuration.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { appArmorTodo, existing, journalsOf, writtenText } from './site.js';

const root = mkdtempSync(join(tmpdir(), 'nnoe-site-'));
test.after(() => rmSync(root, { recursive: true }));

const journal = '/var/lib/kea/nnoe/dhcp4';
const rules = ['/var/lib/kea/nnoe/ rw,', '/var/lib/kea/nnoe/** rwk,', '@{PROC}/sys/kernel/random/boot_id r,'];
const profile = join(root, 'usr.sbin.kea-dhcp4');
const local = join(root, 'local/usr.sbin.kea-dhcp4');
const asked = () => appArmorTodo('kea-dhcp4', journal, root);

test('a profile without a local include, with one, and with the rules', () => {
  assert.equal(asked(), [], 'no profile');
  mkdirSync(join(root, 'local'));
  writeFileSync(profile, 'profile kea-dhcp4 /usr/sbin/kea-dhcp4 {\n}\n');
  assert.equal(asked()[0]?.lines, rules);
  assert.match(asked()[0]?.text ?? '', /before the last brace of .*no local include.*apparmor_parser -r/);
  writeFileSync(profile, 'profile kea-dhcp4 {\n  #include <local/usr.sbin.kea-dhcp4>\n}\n');
  assert.ok(asked()[0]?.text.includes(`to ${local} and run`));
  writeFileSync(local, rules.join('\n'));
  assert.equal(asked(), []);
  writeFileSync(local, '');
  mkdirSync(join(root, 'abstractions/mysql.d'), { recursive: true });
  writeFileSync(join(root, 'abstractions/mysql.d/nnoe'), 'owner /var/lib/kea/nnoe/dhcp[46]/** rwk,');
  assert.equal(asked(), [], 'in a file that a package brings');
});

test('journals of nnoe.toml by family; a file that is wrong or not there names none', () => {
  const file = join(root, 'nnoe.toml');
  writeFileSync(
    file,
    '[journal.a]\ndirectory = "/j/4"\nfamily = 4\n[journal.b]\ndirectory = "/j/6"\nfamily = 6\n[tables]\ndirectory = "/t"\n',
  );
  const options = { file, environment: {} };
  assert.equal(journalsOf(4, options), [{ name: 'a', directory: '/j/4' }]);
  assert.equal(journalsOf(6, options), [{ name: 'b', directory: '/j/6' }]);
  assert.is(writtenText(['tables', 'directory'], options), '/t');
  assert.is(writtenText(['tables', 'decisions'], options), undefined);
  assert.is(journalsOf(4, { file: join(root, 'none.toml'), environment: {} }), undefined);
});

test('what is there of a path', () => {
  assert.is(existing(join(root, 'local/x/y'))?.path, join(root, 'local'));
  assert.is(existing('/nonexistent/x')?.path, '/');
});

test.run();
