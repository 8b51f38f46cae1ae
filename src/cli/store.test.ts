// SPDX-License-Identifier: MPL-2.0
// `nnoe store` against a host: what is written is read, listed and gone again; what nobody may write is refused by name.
import { request } from 'node:http';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inProcess } from '../../test/lib/cli.js';
import { cleanUp, keeper, stage, temporary } from '../../test/lib/host-stage.js';

test.after(cleanUp);

async function staged() {
  const socket = join(temporary(), 'host.sock');
  await stage({ journals: {}, keepers: [keeper('mute')], plugins: [], socket });
  return { socket, run: (...args: string[]) => inProcess(['store', ...args, '--socket', socket]) };
}

test('a key is written, read, listed and deleted', async () => {
  const { run } = await staged();
  assert.equal(await run('put', 'role-mappings/192.0.2.0/24', '{"roles":["kids"]}'), {
    status: 0,
    out: '/nnoe/role-mappings/192.0.2.0/24 has 18 bytes\n',
    err: '',
  });
  assert.is((await run('get', '/nnoe/role-mappings/192.0.2.0/24')).out, '{"roles":["kids"]}\n');
  const listing = JSON.parse((await run('list', 'role-mappings/', '--json')).out);
  assert.equal(
    [listing.entries.map(({ key, bytes }: { key: string; bytes: number }) => [key, bytes]), listing.more],
    [[['/nnoe/role-mappings/192.0.2.0/24', 18]], false],
  );
  assert.is((await run('delete', 'role-mappings/192.0.2.0/24')).status, 0);
  for (const each of ['get', 'delete']) {
    const { status, err } = await run(each, 'role-mappings/192.0.2.0/24');
    assert.equal([status, err], [1, 'there is no key /nnoe/role-mappings/192.0.2.0/24\n']);
  }
  assert.match((await run('list', 'role-mappings/')).out, /^no key begins with /);
});

test('keys of others, and of plugins, are refused by name', async () => {
  const { run } = await staged();
  for (const [args, said] of [
    [['get', '/other/a'], /key: found "\/other\/a", expected one below \/nnoe\//],
    [['put', '', 'x'], /key: found "", expected one below/],
    [['put', 'a\nb', 'x'], /without control characters/],
    [['put', 'dhcp/leases/192.0.2.1', 'x'], /key: found "dhcp\/leases.*written by plugins alone/],
    [['delete', '/nnoe/dhcp/leases/192.0.2.1'], /written by plugins alone/],
  ] as const) {
    const { status, out, err } = await run(...args);
    assert.not.equal(status, 0);
    assert.is(out, '');
    assert.match(err, said);
  }
});

test('a value that is too large is refused, and nothing is written', async () => {
  const { socket, run } = await staged();
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const path = '/v1/store/put?key=policies/large';
    const asked = request({ socketPath: socket, method: 'POST', path, agent: false }, (response) =>
      resolve(response.statusCode),
    );
    asked.on('error', reject);
    asked.end(Buffer.alloc((1 << 20) + 1, 'x'));
  });
  assert.is(status, 413);
  assert.is((await run('get', 'policies/large')).status, 1);
});

test.run();
