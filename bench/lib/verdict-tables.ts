// SPDX-License-Identifier: MPL-2.0
// Tables for dnsdist, made as the host makes them: by its own service for tables and the policies' compiler, with plans
// of a real Cerbos.
import { pino } from 'pino';
import { native } from '../../src/host/native.js';
import type { TableName } from '../../src/host/plugin/tables.js';
import { addonTables } from '../../src/host/tables/addon.js';
import { TablesService } from '../../src/host/tables/service.js';
import { askedInOrder } from '../../src/plugins/policies/actions.js';
import { compile, terminalOf } from '../../src/plugins/policies/compile/compile.js';
import { SectionWriter } from '../../src/plugins/policies/compile/section.js';
import { EmbeddedPdp } from '../../src/plugins/policies/pdp/embedded.js';
import { plan } from '../../src/plugins/policies/pdp/pdp.js';
import { factsOf, parseSource } from '../../src/plugins/policies/source.js';
import { until } from '../../test/daemons/lib/process.js';
import type { VerdictData } from './verdict-data.js';

const LIST = 'listed';
/** What is done where no action is granted. */
export const OTHERWISE = 'refused';

/** What an operator might write: everybody but guests may ask, with some exceptions. */
const policyOf = (exceptions: readonly string[]) => ({
  apiVersion: 'api.cerbos.dev/v1',
  resourcePolicy: {
    resource: 'dns_query',
    version: 'default',
    rules: [
      {
        actions: ['allow'],
        effect: 'EFFECT_ALLOW',
        roles: ['default'],
        condition: { match: { none: { of: exceptions.map((expr) => ({ expr })) } } },
      },
    ],
  },
});

const usual = [
  'R.attr.qtype in ["ANY", "HINFO"]',
  'R.attr.qname.endsWith(".corp.internal")',
  `"${LIST}" in R.attr.lists`,
];

/** By what they look at. */
export const policies = {
  /** Type, suffix and lists: nothing that has to go through the letters of a name. */
  usual,
  /** And these do. */
  text: [...usual, 'R.attr.qname.startsWith("wpad.")', 'R.attr.qname.contains("tracker")'],
};
export type PolicyName = keyof typeof policies;

export async function withTables<T>(
  directory: string,
  tables: TableName[],
  work: (service: TablesService) => Promise<T>,
): Promise<T> {
  const service = new TablesService({
    directory,
    tables: new Set(tables),
    answers: {},
    defaults: { ttl: 60, extendedErrors: true },
    log: pino({ level: 'silent' }),
    open: (path) => addonTables((each) => native().openTables(each), path),
    busy: (error) => {
      throw error;
    },
  });
  service.start();
  try {
    return await work(service);
  } finally {
    await service.close();
  }
}

/** One each: those who open a table listen to theirs. */
const never = () => new AbortController().signal;
const fail = (error: unknown): void => {
  throw error;
};

/** A generation in which nothing is mapped, listed or planned: everybody is allowed. */
export async function publishEmpty(directory: string): Promise<void> {
  await withTables(directory, ['roles'], async (service) => {
    const roles = service.open('roles', never(), fail);
    await roles.replace([]);
    await roles.published();
  });
}

/** Everything: subnets to a role that may not ask, a list that everybody is held to, and a compiled policy. */
export async function publishFull(
  directory: string,
  data: VerdictData,
  policy: PolicyName = 'usual',
): Promise<void> {
  await withTables(directory, ['roles', 'names', 'programs'], async (service) => {
    const roles = service.open('roles', never(), fail);
    const names = service.open('names', never(), fail);
    await roles.replace(data.subnets.map((prefix) => ({ prefix, roles: ['guest'] })));
    names.define([{ name: LIST, kind: 'block' }]);
    names.subscribe([{ lists: [LIST], roles: [], action: 'nxdomain' }]);
    const { names: count } = await names.load(LIST, {
      path: data.namesFile,
      format: 'domains',
      subdomains: true,
    });
    const text = JSON.stringify(policyOf(policies[policy]));
    const pdp = new EmbeddedPdp(`${directory}-pdp`, { ended: () => undefined, restarted: () => undefined });
    try {
      await pdp.started();
      await publishPolicy(service, text, pdp, { roleSets: 2, lists: 1 });
    } finally {
      await pdp.stop();
    }
    if (names.size(LIST) < count * 0.99)
      throw new Error(`${names.size(LIST)} names on the list, not ${count}`);
  });
}

/**
 * Compiled for every set of roles that there is, by this Cerbos, which has the policy then; and published with everything
 * that was handed over before: a new directory has no generation without its programs.
 * @param known what has to be numbered first
 */
export async function publishPolicy(
  service: TablesService,
  text: string,
  pdp: EmbeddedPdp,
  known: { roleSets: number; lists: number },
): Promise<void> {
  const programs = service.open('programs', never(), fail);
  let sets: readonly { id: number; roles: readonly string[] }[] = [];
  let lists: ReadonlyMap<string, number> = new Map();
  programs.roleSets((given) => {
    sets = given;
  });
  programs.lists((given) => {
    lists = given;
  });
  await until('numbers', () => sets.length >= known.roleSets && lists.size >= known.lists);
  const facts = factsOf([parseSource('policy', text)]);
  const actions = askedInOrder(facts.actions);
  const writer = new SectionWriter((end) => terminalOf(end, (action) => programs.action(action)));
  const bad = await pdp.load([{ id: 'policy', text }]);
  if (bad) throw new Error(`Cerbos refused the policy: ${[...bad.values()].join('; ')}`);
  for (const { id, roles } of sets) {
    const granted = (action: string) =>
      Promise.all(roles.map(async (role) => ({ role, plan: await plan(pdp.client, role, action) })));
    const asked = await Promise.all(
      actions.map(async (action) => ({ action, roles: await granted(action) })),
    );
    writer.set(id, compile(asked, OTHERWISE, { lists, ...facts }));
  }
  const most = Math.max(0, ...lists.values()) + 1;
  await programs.publish(writer.bytes(most, { planned: 0, until: 0 }));
}
