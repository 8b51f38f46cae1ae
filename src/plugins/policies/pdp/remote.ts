// SPDX-License-Identifier: MPL-2.0
// A Cerbos that somebody else runs, at an address. It is given policies through its Admin API, one event each, so they are
// compiled here before; other policies that it has are left alone.
import { setTimeout as wait } from 'node:timers/promises';
import { GRPC } from '@cerbos/grpc';
import { parse } from 'yaml';
import schema from '../schema/dns_query.json' with { type: 'json' };
import { parseSource } from '../source.js';
import type { Decider } from './decider.js';
import { mark } from './files.js';
import { markKind, type PolicyText } from './pdp.js';
import { verify } from './verify.js';

export interface RemoteOptions {
  /** host:port or unix:/path */
  address: string;
  user: string;
  password: string;
  tls: boolean;
}

/** ms until it shows that it has compiled what it took. */
const loadTime = 10_000;

type Policies = Parameters<GRPC['addOrUpdatePolicies']>[0]['policies'];

/** As Cerbos names it. */
function policyId({ id, text }: PolicyText): string | undefined {
  const { kind, name, version } = parseSource(id, text);
  const prefix = {
    resourcePolicy: 'resource',
    derivedRoles: 'derived_roles',
    exportVariables: 'export_variables',
    exportConstants: 'export_constants',
  }[kind];
  return prefix && (kind === 'resourcePolicy' ? `${prefix}.${name}.v${version}` : `${prefix}.${name}`);
}

export class RemotePdp implements Decider {
  readonly client: GRPC;
  private given = new Set<string>();
  private marked = '0';

  constructor(private readonly options: RemoteOptions) {
    const { address, user, password, tls } = options;
    this.client = new GRPC(address, { tls, adminCredentials: { username: user, password } });
  }

  get mark(): string {
    return this.marked;
  }

  async load(
    policies: readonly PolicyText[],
    signal?: AbortSignal,
  ): Promise<Map<string, string> | undefined> {
    const { bad } = await verify(policies, signal);
    if (bad.size > 0) return bad;
    const options = signal ? { signal } : {};
    await this.client.addOrUpdateSchemas(
      { schemas: [{ id: 'dns_query.json', definition: schema as never }] },
      options,
    );
    const ids = new Set(policies.map(policyId).filter((id) => id !== undefined));
    const gone = [...this.given].filter((id) => !ids.has(id));
    if (gone.length > 0) await this.client.deletePolicies({ ids: gone }, options);
    if (policies.length > 0)
      await this.give(
        policies.map(({ text }) => parse(text) as Policies[number]),
        options,
      );
    this.given = ids;
    const generation = `${Date.now()}`;
    await this.give([JSON.parse(mark(generation)) as Policies[number]], options);
    // Events come in order: with the mark, what came before it is there.
    for (const begun = performance.now(); performance.now() - begun < loadTime; await wait(5)) {
      if (await this.has(generation, options)) {
        this.marked = generation;
        return undefined;
      }
    }
    throw new Error(`Cerbos at ${this.options.address} took the policies and does not go by them`);
  }

  private give(policies: Policies, options: { signal?: AbortSignal }): Promise<void> {
    return this.client.addOrUpdatePolicies({ policies }, options);
  }

  private has(generation: string, options: { signal?: AbortSignal }): Promise<boolean> {
    const principal = { id: 'nnoe', roles: ['nnoe'] };
    return this.client.isAllowed(
      { principal, resource: { kind: markKind, id: 'mark' }, action: generation },
      options,
    );
  }

  async stop(): Promise<void> {
    this.client.close();
  }
}
