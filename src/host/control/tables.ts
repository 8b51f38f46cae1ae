// SPDX-License-Identifier: MPL-2.0
// What the control socket tells of tables.
import { parseAddress } from '../address.js';
import { NnoeError } from '../errors.js';
import type { TablesHealth } from '../tables/health.js';
import type { BridgeStatus } from '../tables/native.js';
import { prefixText } from '../tables/prefixes.js';
import type { TablesService } from '../tables/service.js';
import type { BridgeReport, ClientReport, RolesReport, TablesReport } from './api.js';
import { addressFilter, addressHint } from './filter.js';
import { badRequest, faultOf, helpOf, Refused } from './refusal.js';

/** @param now ms since 1970. */
export function tablesReport(health: TablesHealth, now: number): TablesReport {
  const { state, code, reason, directory, generation, createdUs, sections, waiting, bridges } = health;
  const help = helpOf(code);
  return {
    state,
    ...(code === undefined ? {} : { code }),
    reason,
    ...(help === undefined ? {} : { help }),
    directory,
    generation,
    ...(createdUs === 0 ? {} : { ageSeconds: age(createdUs, now) }),
    sections,
    waiting,
    bridges: bridges.map((each) => bridgeReport(each, now)),
  };
}

/** Clocks may have been set back. */
const age = (us: number, now: number) => Math.max(0, Math.round(now - us / 1000) / 1000);

function bridgeReport(status: BridgeStatus, now: number): BridgeReport {
  const { pid, bridge, dnsdist, generation, loadedUs, refuses, reason, bytes, fail, threads } = status;
  const { behind, lagSeconds, sampling } = status;
  return {
    pid,
    bridge,
    dnsdist,
    generation,
    ...(loadedUs === 0 ? {} : { ageSeconds: age(loadedUs, now) }),
    ...(refuses ? { refused: { generation: status.refused, reason } } : {}),
    ...(behind === 0 ? {} : { behind: { generations: behind, seconds: lagSeconds } }),
    bytes,
    fail,
    sampling,
    threads,
  };
}

/** @throws Refused: no plugin publishes roles. */
export async function rolesReport(tables: TablesService): Promise<RolesReport> {
  refuseUnpublished(tables);
  return { generation: tables.last?.generation ?? 0, sets: await tables.roleSets() };
}

/** @throws Refused: as `rolesReport`; no address. */
export function clientReport(tables: TablesService, text: string): ClientReport {
  refuseUnpublished(tables);
  const client = addressFilter(text)?.address;
  const address = client === undefined ? undefined : parseAddress(client);
  if (client === undefined || address === undefined)
    throw badRequest(`client: found ${JSON.stringify(text.slice(0, 60))}, expected ${addressHint}`);
  const match = tables.findClient(address);
  const id = match?.roleSet ?? 0;
  return {
    client,
    id,
    roles: tables.roles(id),
    ...(match === undefined ? {} : { mapping: prefixText(match) }),
  };
}

function refuseUnpublished(tables: TablesService): void {
  if (!tables.has('roles')) throw new Refused(409, faultOf(new NnoeError('CONTROL_NO_ROLES')));
}
