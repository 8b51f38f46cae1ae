// SPDX-License-Identifier: MPL-2.0
// The decision point itself: killed, stopped, damaged, somebody else's; and asked about single queries.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { GRPC } from '@cerbos/grpc';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { Answers } from '../../src/plugins/policies/answers.js';
import { EmbeddedPdp } from '../../src/plugins/policies/pdp/embedded.js';
import { check, OtherPolicies, type PolicyText, plan } from '../../src/plugins/policies/pdp/pdp.js';
import { RemotePdp } from '../../src/plugins/policies/pdp/remote.js';
import { scratch, sweep } from '../../src/plugins/policies/pdp/scratch.js';
import { verify } from '../../src/plugins/policies/pdp/verify.js';
import { Cerbos } from './lib/cerbos.js';
import { sleep, start, until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

const policy = (cel: string, id = 'dns', resource = 'dns_query'): PolicyText => ({
  id,
  text: JSON.stringify({
    apiVersion: 'api.cerbos.dev/v1',
    resourcePolicy: {
      resource,
      version: 'default',
      rules: [
        { actions: ['allow'], effect: 'EFFECT_ALLOW', roles: ['guest'], condition: { match: { expr: cel } } },
      ],
    },
  }),
});

const ended: string[] = [];
let restarts = 0;
const events = { ended: (status: string) => void ended.push(status), restarted: () => void restarts++ };
const directory = temporary('pdp');
const pdp = new EmbeddedPdp(directory, events);
test.after(() => pdp.stop());

test('a set is taken as a whole or not at all', async () => {
  await pdp.started();
  assert.is(await pdp.load([policy('true')]), undefined);
  assert.is(await plan(pdp.client, 'guest', 'allow'), 'always');
  const bad = await pdp.load([policy('false'), policy('foo(1)', 'other', 'other')]);
  assert.match(bad?.get('other') ?? '', /undeclared reference to 'foo'/);
  assert.is(bad?.size, 1);
  assert.is(await plan(pdp.client, 'guest', 'allow'), 'always', 'what was stays');
  const twice = await pdp.load([policy('false'), policy('true', 'again')]);
  assert.match([...(twice ?? [])].join(), /defines resource.dns_query.vdefault/);
  assert.is(await pdp.load([policy('false')]), undefined);
  assert.is(await plan(pdp.client, 'guest', 'allow'), 'never');
  assert.is(await pdp.load([]), undefined);
});

test('fifty changes in a row are seen in their order', async () => {
  for (let i = 0; i < 50; i++) {
    assert.is(await pdp.load([policy(`R.attr.qname == "n${i}"`)]), undefined);
    assert.match(JSON.stringify(await plan(pdp.client, 'guest', 'allow')), `"n${i}"`);
  }
});

test('killed, it comes back with the set that it had', async () => {
  await pdp.load([policy('R.attr.qname == "kept"')]);
  const before = restarts;
  process.kill(pdp.pid as number, 'SIGKILL');
  await until('it to be started again', () => restarts > before);
  assert.match(JSON.stringify(await plan(pdp.client, 'guest', 'allow')), '"kept"');
  assert.equal(ended, ['SIGKILL']);
});

test('slow, it is waited for', async () => {
  process.kill(pdp.pid as number, 'SIGSTOP');
  const asked = plan(pdp.client, 'guest', 'allow');
  const loaded = pdp.load([policy('true')]);
  await sleep(300);
  process.kill(pdp.pid as number, 'SIGCONT');
  assert.ok(await asked);
  assert.is(await loaded, undefined);
  assert.is(await plan(pdp.client, 'guest', 'allow'), 'always');
});

test('single queries are asked in batches, each once', async () => {
  await pdp.load([policy('R.attr.qname == R.attr.client')]);
  const counted = { calls: 0 };
  const client = {
    checkResources: (...request: Parameters<GRPC['checkResources']>) => {
      counted.calls++;
      return pdp.client.checkResources(...request);
    },
  };
  const answers = new Answers(client, {
    most: 1000,
    actions: ['allow', 'nxdomain'],
    otherwise: () => 'drop',
    until: undefined,
  });
  const of = async (qname: string) => {
    const query = { qname, qtype: 'A', client: '192.0.2.1', lists: [] };
    return (await answers.of({ roles: ['guest'], query })).action;
  };
  const all = await Promise.all(Array.from({ length: 120 }, (_, i) => of(`192.0.2.${i % 60}`)));
  assert.is(all.filter((action) => action === 'allow').length, 2);
  assert.is(all[1], 'allow');
  assert.is(all[2], 'drop');
  assert.is(answers.misses, 60);
  assert.is(counted.calls, 2, 'sixty questions go out in two batches');
  await of('192.0.2.1');
  assert.is(answers.misses, 60);
  const late = new Answers(client, {
    most: 10,
    actions: ['allow'],
    otherwise: () => 'drop',
    until: Date.now(),
  });
  await late.of({ roles: [], query: { qname: '', qtype: 'A', client: '::', lists: [] } }).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, 'count no more'),
  );
});

test('policies kept from before that are damaged do not keep it from starting', async () => {
  const own = temporary('damaged');
  const kept = new EmbeddedPdp(own, { ended: () => undefined, restarted: () => undefined }, [
    { id: 'x', text: '"' },
  ]);
  await until('it to answer', () => kept.isAnswering);
  assert.is(await kept.load([policy('true')]), undefined);
  assert.equal(readdirSync(join(own, 'policies')).filter((file) => file.endsWith('.yaml')).length, 1);
  await kept.stop();
});

test('bad policies are named by cerbos compile, also those that are bad because of others', async () => {
  const derived = JSON.stringify({
    apiVersion: 'api.cerbos.dev/v1',
    derivedRoles: { name: 'own', definitions: [] },
  });
  const importing = policy('true');
  importing.text = importing.text.replace('"rules"', '"importDerivedRoles":["own"],"rules"');
  const { good, bad } = await verify([
    importing,
    { id: 'own', text: derived },
    { id: 'odd id/ü', text: 'a: [' },
  ]);
  assert.match(bad.get('odd id/ü') ?? '', /line 1/);
  assert.equal(
    good.map(({ id }) => id),
    [],
    'the import went with what it imports',
  );
  assert.is(bad.size, 3);
});

test('another Cerbos is given policies through its Admin API', async () => {
  const server = await Cerbos.start();
  const { address, user, password } = server;
  const remote = new RemotePdp({ address, user, password, tls: false });
  assert.is(await remote.load([policy('R.attr.qname == "a"')]), undefined);
  assert.match(JSON.stringify(await plan(remote.client, 'guest', 'allow')), '"a"');
  const query = { qname: 'a', qtype: 'A', client: '::1', lists: [] };
  const granted = (mark: string) => check(remote.client, ['guest'], ['allow'], [query], { mark });
  assert.equal(await granted(remote.mark), [new Set(['allow'])]);
  await granted('of others').then(
    () => assert.unreachable(),
    (error: Error) => assert.instance(error, OtherPolicies),
  );
  assert.match([...((await remote.load([policy('foo(1)')])) ?? [])].join(), /undeclared reference/);
  assert.match(JSON.stringify(await plan(remote.client, 'guest', 'allow')), '"a"');
  assert.is(await remote.load([policy('true', 'other', 'other')]), undefined);
  assert.is(await plan(remote.client, 'guest', 'allow'), 'never', 'what is not in the set any more is gone');
  const roleOnly = JSON.stringify({
    apiVersion: 'api.cerbos.dev/v1',
    rolePolicy: { role: 'guest', rules: [{ resource: 'dns_query', allowActions: ['nodata'] }] },
  });
  assert.is(await remote.load([policy('true'), { id: 'guest', text: roleOnly }]), undefined);
  assert.is(await plan(remote.client, 'guest', 'allow'), 'never', 'its role policy does not allow it');
  assert.is(await remote.load([policy('true')]), undefined);
  assert.is(await plan(remote.client, 'guest', 'allow'), 'always', 'a role policy is taken away, too');
  const wrong = new RemotePdp({ address, user, password: 'wrong', tls: false });
  await wrong.load([policy('true')]).then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, /UNAUTHENTICATED/),
  );
  await wrong.stop();
  await remote.stop();
  await server.stop();
});

test('it ends with the process that started it, and what that left behind is taken away', async () => {
  const own = temporary('orphan');
  const module = new URL('../../src/plugins/policies/pdp/embedded.js', import.meta.url).href;
  writeFileSync(
    join(own, 'host.mjs'),
    `import { EmbeddedPdp } from ${JSON.stringify(module)};
     const pdp = new EmbeddedPdp(${JSON.stringify(own)}, { ended() {}, restarted() {} });
     await pdp.started();
     console.log('pid ' + pdp.pid);
     setInterval(() => {}, 1000);`,
  );
  const host = start({
    name: 'host',
    command: process.execPath,
    args: [join(own, 'host.mjs')],
    directory: own,
    // Who is killed does not tidy up.
    env: { TMPDIR: own },
  });
  const [, pid] = await host.waitFor(/pid (\d+)/);
  const gone = () => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.startsWith('Z');
    } catch {
      return true;
    }
  };
  assert.not(gone());
  await host.kill();
  await until('Cerbos to be gone', gone);
  const left = () => readdirSync(own).filter((name) => name.startsWith('nnoe-pdp-'));
  assert.is(left().length, 1);
  await sweep(own);
  assert.is(left().length, 1, 'one that young may be of a host that is starting');
  const mine = scratch('policies');
  // While the last threads of a killed process end, its socket may still answer.
  await until('what it left to be gone', async () => {
    await sweep(own, Date.now() + 61_000);
    return left().length === 0;
  });
  await sweep(dirname(mine), Date.now() + 61_000);
  assert.ok(existsSync(mine), 'that of a process that lives stays');
  rmSync(mine, { recursive: true });
});

test.run();
