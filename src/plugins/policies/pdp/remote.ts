// SPDX-License-Identifier: MPL-2.0
// A Cerbos that somebody else runs, at an address. It is given policies through its Admin API, one event each, so they are
// compiled here before; other policies that it has are left alone.
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { GRPC } from '@cerbos/grpc';
import { parse } from 'yaml';
import schema from '../schema/dns_query.json' with { type: 'json' };
import { parseSource } from '../source.js';
import type { Decider } from './decider.js';
import { hasMark, mark, setOf } from './files.js';
import type { PolicyText } from './pdp.js';
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

type RequestOptions = { signal?: AbortSignal };
type Policies = Parameters<GRPC['addOrUpdatePolicies']>[0]['policies'];

/** As Cerbos names it. */
function policyId({ id, text }: PolicyText): string | undefined {
  const { kind, name, version } = parseSource(id, text);
  const ids: Record<string, string> = {
    resourcePolicy: `resource.${name}.v${version}`,
    rolePolicy: `role.${name}.v${version || 'default'}`,
    derivedRoles: `derived_roles.${name}`,
    exportVariables: `export_variables.${name}`,
    exportConstants: `export_constants.${name}`,
  };
  return ids[kind];
}

export class RemotePdp implements Decider {
  readonly client: GRPC;
  private given = new Set<string>();
  /** The set it was given last, and how it showed that set then. */
  private held: { set: string; shown: string } | undefined;

  constructor(private readonly options: RemoteOptions) {
    const { address, user, password, tls } = options;
    this.client = new GRPC(address, { tls, adminCredentials: { username: user, password } });
  }

  get place(): string {
    return this.options.address;
  }
  get mark(): string {
    return this.held?.set ?? '';
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
    const documents = policies.map(({ text }) => parse(text) as Policies[number]);
    if (documents.length > 0) await this.give(documents, options);
    this.given = ids;
    const set = setOf(policies);
    // Each hand-over has a mark that no earlier one had, beside that of its set.
    const handOver = randomUUID();
    await this.give([JSON.parse(mark(set, handOver)) as Policies[number]], options);
    // Events come in order: with the mark, what came before it is there.
    for (const begun = performance.now(); performance.now() - begun < loadTime; await wait(5)) {
      if (!(await hasMark(this.client, handOver, signal))) continue;
      this.held = { set, shown: await this.shown(options) };
      return undefined;
    }
    throw new Error(`Cerbos at ${this.place} took the policies and does not go by them`);
  }

  /** Somebody else may change its policies, also behind the mark: what it shows of them is compared, too. */
  async holds(policies: readonly PolicyText[], signal?: AbortSignal): Promise<boolean> {
    const set = setOf(policies);
    if (this.held?.set !== set || !(await hasMark(this.client, set, signal))) return false;
    return (await this.shown(signal ? { signal } : {})) === this.held.shown;
  }

  private async shown(options: RequestOptions): Promise<string> {
    if (this.given.size === 0) return '';
    const { policies } = await this.client.getPolicies({ ids: [...this.given].sort() }, options);
    // When it was put, and the like, is another thing with every hand-over.
    const texts = policies.map(({ metadata, ...policy }) => JSON.stringify(policy));
    return texts.sort().join('\n');
  }

  private give(policies: Policies, options: RequestOptions): Promise<void> {
    return this.client.addOrUpdatePolicies({ policies }, options);
  }

  async stop(): Promise<void> {
    this.client.close();
  }
}
