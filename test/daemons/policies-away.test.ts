// SPDX-License-Identifier: MPL-2.0
// A decision point that loses its policies, or is away: what it says then is not believed, and clients with roles that
// nobody had before are decided about all the same.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { harness, MemoryStore } from '../../src/host/testing.js';
import { keep, readKept } from '../../src/plugins/policies/kept.js';
import { nameWire } from '../../src/plugins/policies/name.js';
import { EmbeddedPdp } from '../../src/plugins/policies/pdp/embedded.js';
import plugin from '../../src/plugins/policies/plugin.js';
import { Policies, type PoliciesOptions } from '../../src/plugins/policies/policies.js';
import { inProcess } from '../lib/cli.js';
import { ProgramTool } from '../policies/program-tool.js';
import { Cerbos } from './lib/cerbos.js';
import { Host } from './lib/host.js';
import { sleep, until } from './lib/process.js';
import { verdicts } from './lib/verdicts.js';
import { temporary } from './lib/workspace.js';

const tool = new ProgramTool();
const ends: (() => Promise<unknown>)[] = [];
const realNow = Date.now;
test.after(async () => {
  Date.now = realNow;
  tool.close();
  for (const end of ends.reverse()) await end();
});

const rule = (role: string, cel: string) => ({
  actions: ['allow'],
  effect: 'EFFECT_ALLOW',
  roles: [role],
  condition: { match: { expr: cel } },
});
const policy = (...rules: object[]): string =>
  JSON.stringify({
    apiVersion: 'api.cerbos.dev/v1',
    resourcePolicy: { resource: 'dns_query', version: 'default', rules },
  });

const actions = ['allow', 'refused', 'nxdomain'];

/** What a client of this set of roles may do with the name. */
async function asks(section: Uint8Array, roleSet: number, name: string): Promise<string> {
  await tool.open(Buffer.from(section), { roleSets: 4096, lists: 256, actions: actions.length });
  const question = { type: 1, client: '192.0.2.1', name: nameWire(name) as Buffer, lists: [] };
  const [answer] = await tool.ask([{ roleSet, ...question }]);
  return answer?.result === 0 ? (actions[answer.action] ?? '?') : `result ${answer?.result}`;
}

const clocked = policy(rule('guest', 'now().getFullYear() > 2000'), rule('staff', 'true'));

test('policies that a decision point lost, or has others instead of, are handed over again before it is asked', async () => {
  const cerbos = await Cerbos.start();
  ends.push(() => cerbos.stop());
  const store = new MemoryStore();
  await store.commit({ operations: [{ put: '/nnoe/policies/dns', value: clocked }] });
  const { address, user, passwordFile } = cerbos;
  const pdp = { directory: temporary('policies'), address, user, 'password-file': passwordFile };
  const h = await harness(plugin, { store, tables: { roleSets: [['guest']] }, config: { pdp } });
  ends.push(() => h.stop());
  const guest = async () => {
    const { section } = await h.table('programs');
    return section === undefined || section === 'unplanned' ? 'nothing' : await asks(section, 1, 'a.example');
  };
  const stays = async (what: string, when: () => Promise<boolean>) => {
    // The next minute, as far as the host can tell.
    const moved = Date.now() + 60_000 - realNow();
    Date.now = () => realNow() + moved;
    await until(what, async () => {
      assert.is(await guest(), 'allow', 'what was allowed stays so');
      return await when();
    });
    await until('health to be well', () => h.health().state === 'ok');
    assert.is(await guest(), 'allow');
  };
  await until('a program', async () => (await guest()) === 'allow', 20_000);
  await cerbos.kill();
  await cerbos.begin();
  assert.equal((await cerbos.client.listPolicies()).ids, []);
  await stays('an empty one to have the policies', async () => {
    const { ids } = await cerbos.client.listPolicies();
    return ids.includes('resource.dns_query.vdefault');
  });
  const denying = JSON.parse(clocked.replaceAll('EFFECT_ALLOW', 'EFFECT_DENY'));
  await cerbos.client.addOrUpdatePolicies({ policies: [denying] });
  await stays('somebody else’s policy to be replaced', async () => {
    const kept = await cerbos.client.getPolicy('resource.dns_query.vdefault');
    return JSON.stringify((kept as { resourcePolicy?: object }).resourcePolicy).includes('EFFECT_ALLOW');
  });
  Date.now = realNow;
});

function options(more: Partial<PoliciesOptions>, published: Buffer[], signal: AbortSignal): PoliciesOptions {
  return {
    decider: () => {
      throw new Error('it is away');
    },
    keep: () => undefined,
    desk: { open: () => undefined, close: () => undefined },
    table: {
      action: (text) => actions.indexOf(text),
      publish: async (section) => published.push(Buffer.from(section)),
      none: async () => 0,
    },
    otherwise: (roles) => (roles.includes('strict') ? 'nxdomain' : 'refused'),
    onMiss: () => undefined,
    kept: { policies: [], plans: [] },
    signal,
    events: {
      published: () => undefined,
      settled: () => undefined,
      failed: () => undefined,
      lost: () => undefined,
    },
    ...more,
  };
}

const stored = new Map([['dns', policy(rule('guest', 'R.attr.qname == "a"'), rule('staff', 'true'))]]);
const set = (id: number, ...roles: string[]) => ({ id, roles });
const others = [set(0, 'staff'), set(1, 'guest'), set(2, 'guest', 'staff'), set(3, 'nobody', 'strict')];

/** As `others` must be decided about. */
async function decided(section: Buffer): Promise<void> {
  assert.is(await asks(section, 0, 'b'), 'allow', 'the new default roles');
  assert.is(await asks(section, 1, 'b'), 'refused');
  assert.is(await asks(section, 1, 'a'), 'allow');
  assert.is(await asks(section, 2, 'b'), 'allow');
  assert.is(await asks(section, 3, 'a'), 'nxdomain', 'roles that no rule names');
}

test('roles that nobody had before, and other default roles, are planned while the decision point is away', async () => {
  const pdp = new EmbeddedPdp(temporary('pdp'), { ended: () => undefined, restarted: () => undefined });
  const directory = temporary('kept');
  const published: Buffer[] = [];
  const life = new AbortController();
  const first = new Policies(
    options({ decider: () => pdp, keep: (good) => keep(directory, good) }, published, life.signal),
  );
  first.setLists(new Map());
  await first.setRoleSets([set(0, 'default')]);
  first.setPolicies(stored);
  await until('a program', () => published.length === 1, 20_000);
  assert.is(await asks(published[0] as Buffer, 0, 'b'), 'refused');
  await pdp.stop();
  first.again();
  await first.setRoleSets(others);
  assert.is(published.length, 2, 'a program is there when roles are');
  assert.equal(first.unplanned(), []);
  await decided(published[1] as Buffer);
  life.abort();

  const next = new AbortController();
  const second = new Policies(options({ kept: readKept(directory) }, published, next.signal));
  second.setLists(new Map());
  second.setPolicies(stored);
  await second.setRoleSets(others);
  assert.is(published.length, 3, 'also in another life, in which the decision point never answered');
  await decided(published[2] as Buffer);
  next.abort();

  const damaged = readFileSync(join(directory, 'plans.json'), 'utf8').replace('"always"', '"perhaps"');
  writeFileSync(join(directory, 'plans.json'), damaged);
  const without = readKept(directory);
  assert.equal(without.plans, []);
  assert.is(without.policies.length, 1);
});

test('a client with roles that nobody had before is at no time without a program', async () => {
  const pdp = { directory: temporary('policies') };
  const options = { journals: {}, plugins: { policies: { enabled: true, pdp } }, startsHealthy: false };
  const host = await Host.start(options);
  ends.push(() => host.stop());
  const put = async (key: string, value: string) => {
    const { status, err } = await inProcess(['store', 'put', key, value, '--socket', host.socket]);
    assert.is(status, 0, err);
  };
  // Conditions that take a while to compile, and hold for no name that is asked for.
  const slow = Array.from({ length: 15 }, (_, i) =>
    rule('*', `R.attr.qname.matches("^(x|y${i})[0-9]+[a-f]*z.*${i}$")`),
  );
  await put('policies/dns', policy(...slow));
  const bridge = verdicts(join(host.directory, 'tables'), 'open');
  ends.push(async () => bridge.stop());
  const client = '192.0.2.1';
  const refused = await until('a program', async () => {
    const verdict = await bridge.ask(client, 'b');
    return /^REFUSED /i.test(verdict) && verdict;
  });
  for (let i = 0; i < 5; i++) {
    let waits = true;
    // When it returns the store has it; the tables have it a little later.
    const mapped = put(`role-mappings/${client}`, JSON.stringify({ roles: [`new${i}`] })).then(async () => {
      await until('its roles to be known', async () => {
        const { out } = await inProcess(['roles', client, '--json', '--socket', host.socket]);
        return out.includes(`new${i}"`);
      });
      await sleep(30);
      waits = false;
    });
    while (waits) assert.is(await bridge.ask(client, 'b'), refused);
    await mapped;
  }
});

test('policies that were taken away are in force for nobody in another life', async () => {
  const pdp = new EmbeddedPdp(temporary('pdp'), { ended: () => undefined, restarted: () => undefined });
  ends.push(() => pdp.stop());
  const directory = temporary('kept');
  const published: Buffer[] = [];
  const life = new AbortController();
  let none = 0;
  const own = options({ decider: () => pdp, keep: (good) => keep(directory, good) }, published, life.signal);
  own.table = { ...own.table, none: async () => ++none };
  const first = new Policies(own);
  first.setLists(new Map());
  await first.setRoleSets(others);
  first.setPolicies(stored);
  await until('a program', () => published.length === 1, 20_000);
  first.setPolicies(new Map());
  await until('none', () => none === 1);
  life.abort();
  const second = new Policies(
    options({ kept: readKept(directory) }, published, new AbortController().signal),
  );
  second.setLists(new Map());
  second.setPolicies(new Map([['another', [...stored.values()][0] as string]]));
  await second.setRoleSets(others);
  assert.is(published.length, 1);
  assert.is(second.unplanned().length, others.length);
});

test.run();
