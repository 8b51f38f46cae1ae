// SPDX-License-Identifier: MPL-2.0
// Compiled policies in a real dnsdist, read from the wire and held against a real Cerbos: always the same generated sets
// for the same seed. What is not compiled is not asked about.
import { join } from 'node:path';
import { pino } from 'pino';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { native } from '../../src/host/native.js';
import type { RoleSet } from '../../src/host/plugin.js';
import { addonTables } from '../../src/host/tables/addon.js';
import { TablesService } from '../../src/host/tables/service.js';
import { EmbeddedPdp } from '../../src/plugins/policies/pdp/embedded.js';
import { anySet, newTally, shares } from '../policies/against-pdp.js';
import { type Wire, wireAllowed, wireRound, wireRules } from '../policies/against-wire.js';
import { listNames } from '../policies/conditions.js';
import { seeded } from '../policies/names.js';
import { everyAction } from '../policies/policies.js';
import { bridgeLine, Dnsdist } from './lib/dnsdist.js';
import { temporary } from './lib/workspace.js';

const actions = ['allow', 'refused', 'nxdomain', 'nodata', 'drop', 'truncate'];
const directory = join(temporary('tables'), 'tables');
const life = new AbortController();
const pdp = new EmbeddedPdp(temporary('pdp'), { ended: () => undefined, restarted: () => undefined });
const service = new TablesService({
  directory,
  tables: new Set(['roles', 'names', 'programs']),
  answers: { sinkhole: { cname: 'sinkhole.example', ttl: 30, a: [], aaaa: [] } },
  defaults: { ttl: 60, extendedErrors: true },
  log: pino({ level: 'silent' }),
  open: (path) => addonTables((each) => native().openTables(each), path),
  busy: (error) => assert.unreachable(error.message),
});
let dnsdist: Dnsdist;
let wire: Wire;
let rounds = 0;

test.before(async () => {
  service.start();
  const fail = (error: unknown) => assert.unreachable(String(error));
  const roles = service.open('roles', life.signal, fail);
  const names = service.open('names', life.signal, fail);
  const programs = service.open('programs', life.signal, fail);
  let sets: readonly RoleSet[] = [];
  let lists: ReadonlyMap<string, number> = new Map();
  programs.roleSets((now) => {
    sets = now;
  });
  programs.lists((now) => {
    lists = now;
  });
  names.define([...listNames, 'marker'].map((name) => ({ name, kind: 'block' })));
  names.subscribe([{ lists: ['marker'], roles: [], action: 'nodata' }]);
  await Promise.all([...listNames, 'marker'].map((list) => names.setNames(list, [])));
  await roles.replace([]);
  await programs.none();
  dnsdist = await Dnsdist.start({
    server: { address: '127.0.0.1', port: 9 },
    lua: [...wireRules, bridgeLine({ directory, fail: 'open' }), wireAllowed],
  });
  await pdp.started();
  const tables = { roles, names, programs };
  wire = {
    tables,
    pdp,
    server: dnsdist,
    server6: dnsdist.v6,
    roleSets: () => sets,
    lists: () => lists,
  };
});
test.after(async () => {
  await dnsdist?.stop();
  life.abort();
  await service.close();
  await pdp.stop();
});

test('dnsdist answers as CheckResources says', async () => {
  const tally = newTally();
  await wireRound(seeded(43), wire, everyAction(), rounds++, 300, tally);
  while (tally.cases < 3000) {
    const random = seeded(43 + rounds);
    await wireRound(random, wire, anySet(random), rounds++, 300, tally);
  }
  if (process.env.SHOW) console.log([...shares(tally), '', tally.actions, tally.names]);
  assert.is(tally.differences.length, 0, tally.differences[0]);
  for (const action of [...actions, 'redirect:sinkhole', 'pool:filtered'])
    assert.ok((tally.actions.get(action) ?? 0) > 5, `${action} is among the answers`);
  for (const sort of ['root', '127 labels', '63-byte label', 'escaped', 'IDNA'])
    assert.ok((tally.names.get(sort) ?? 0) > 5, `${sort} is among the names`);
});

test('a program that is wrong is seen', async () => {
  const tally = newTally();
  const random = seeded(42);
  await wireRound(random, wire, anySet(random), rounds++, 60, tally, 'nxdomain');
  assert.is(tally.differences.length, tally.actions.get('refused'));
});

test.run();
