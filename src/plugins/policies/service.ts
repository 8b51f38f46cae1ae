// SPDX-License-Identifier: MPL-2.0
// Wires the plugin: the store's prefix and the tables on one side, Cerbos on the other, logs, metrics and health.
import { type Change, type Health, type KeyValue, type RoleSet, z } from '../../host/plugin.js';
import { readSecret } from '../../host/secrets.js';
import type { PolicyState } from './candidates.js';
import type { PoliciesContext } from './declaration.js';
import { Desk } from './desk.js';
import { keep, readKept } from './kept.js';
import { say } from './messages.js';
import type { Decider } from './pdp/decider.js';
import { EmbeddedPdp } from './pdp/embedded.js';
import type { PolicyText } from './pdp/pdp.js';
import { RemotePdp } from './pdp/remote.js';
import { Policies } from './policies.js';
import type { InForce } from './publisher.js';
import { type PoliciesReport, reportOf } from './report.js';

const rulingSubject = z.strictObject({
  roleSet: z.int().min(0),
  qname: z.string(),
  qtype: z.string(),
  client: z.string(),
  lists: z.array(z.string()),
});

/** A query as policies see it, and whose. */
export type RulingSubject = z.infer<typeof rulingSubject>;

export interface RulingReport {
  /** Absent: it cannot be said now. */
  action?: string;
}

/** Policies that health names. */
const named = 3;

export class Service {
  private decider: Decider | undefined;
  private readonly policies: Policies;
  private readonly desk: Desk;
  /** By name below the prefix. */
  private stored = new Map<string, string>();
  private force: (InForce & { since: number }) | undefined;
  private trouble: string | undefined;
  /** Reasons that were logged, by policy. */
  private readonly told = new Map<string, string>();

  constructor(private readonly ctx: PoliciesContext) {
    const { config, table, signal } = ctx;
    const { directory } = config.pdp;
    const kept = readKept(directory);
    this.desk = new Desk({
      maxAge: config.pdp['max-age'] * 1000,
      events: {
        ruled: (outcome) => ctx.metrics.rulings_total.inc({ outcome }),
        failed: (reason) => this.failed(reason),
        answers: () => this.answers(),
        lost: () => {
          this.lost();
          this.policies.again();
        },
      },
    });
    this.policies = new Policies({
      desk: this.desk,
      decider: () => {
        this.decider = this.makeDecider(kept.policies);
        return this.decider;
      },
      keep: (good) => keep(directory, good),
      table: table.programs,
      otherwise: (roles) => this.ofRole(roles, 'default-action') ?? config['default-action'],
      onMiss: (roles) => this.ofRole(roles, 'on-miss'),
      kept,
      signal,
      events: {
        published: (force) => this.published(force),
        settled: (states, stuck) => this.settled(states, stuck),
        failed: (reason) => this.failed(reason),
        lost: () => this.lost(),
      },
    });
  }

  start(): void {
    const { prefix, table } = this.ctx;
    table.programs.roleSets((sets) => this.policies.setRoleSets(sets));
    table.programs.rule((question) => this.desk.rule(question));
    table.programs.lists((lists) => this.policies.setLists(lists));
    prefix.policies.follow({
      snapshot: (entries) => this.snapshot(entries),
      change: (changes) => this.change(changes),
    });
  }

  async stop(): Promise<void> {
    await this.decider?.stop();
  }

  health(): Health {
    const bad = this.policies.states().filter(({ state }) => state !== 'used');
    const reasons = bad.slice(0, named).map(({ id, reasons }) => `${id}: ${reasons[0] ?? ''}`);
    const refused =
      bad.length === 0
        ? []
        : [`${counted(bad.length)} refused (${reasons.join('; ')}${bad.length > named ? '; …' : ''})`];
    const words = [...(this.trouble === undefined ? [] : [this.trouble]), ...refused];
    if (this.force?.programs === undefined && this.force !== undefined)
      words.push('there is no policy to go by');
    const unplanned = this.force?.programs ? this.policies.unplanned() : [];
    if (unplanned.length > 0) words.push(unplannedText(unplanned));
    if (words.length > 0) return { state: 'degraded', reason: words.join('; ') };
    if (!this.force) return { state: 'ok', reason: 'policies have not been compiled yet' };
    return { state: 'ok', reason: `${counted(this.force.policies)} in force${this.askedAbout()}` };
  }

  /** What Cerbos says of a query of such a set of roles now, for `nnoe why`. @param subject a RulingSubject as JSON. */
  async explain(subject: string | undefined): Promise<RulingReport> {
    const { roleSet, ...query } = rulingSubject.parse(JSON.parse(subject ?? 'null'));
    const action = await this.desk.explain(roleSet, query);
    return action === undefined ? {} : { action };
  }

  /** Sets of roles whose queries Cerbos is asked about. */
  private askedAbout(): string {
    const sets = this.force?.programs?.asked ?? 0;
    if (sets === 0) return '';
    const words = `${sets} ${sets === 1 ? 'set of roles is' : 'sets of roles are'} asked about query by query`;
    const { known, asked, putOff } = this.desk.counts;
    return `; ${words}: ${known + asked} answered (Cerbos asked ${asked} times), ${putOff} put off`;
  }

  /** What `nnoe policies` shows. */
  report(): Promise<PoliciesReport> {
    const { policies, decider, force, trouble } = this;
    return reportOf({ policies, decider, force, trouble });
  }

  /** The first role of the configuration that has a word on it. */
  private ofRole(roles: readonly string[], key: 'default-action' | 'on-miss'): string | undefined {
    for (const [role, own] of Object.entries(this.ctx.config.roles)) {
      if (roles.includes(role) && own[key] !== undefined) return own[key];
    }
    return undefined;
  }

  private makeDecider(good: readonly PolicyText[]): Decider {
    const { config, log } = this.ctx;
    const { address, directory, user, tls } = config.pdp;
    if (address !== '') {
      const file = config.pdp['password-file'];
      return new RemotePdp({ address, user, tls, password: file === undefined ? '' : readSecret(file) });
    }
    const events = {
      ended: (status: string, output: string) => {
        this.policies.away();
        say(log, 'POLICIES_PDP_ENDED', { status, output: output.slice(-500) });
      },
      restarted: () => {
        say(log, 'POLICIES_PDP_STARTED');
        this.policies.again();
      },
    };
    return new EmbeddedPdp(directory, events, good);
  }

  private snapshot(entries: readonly KeyValue[]): void {
    this.stored = new Map(entries.map(({ key, value }) => [this.name(key), value.toString('utf8')]));
    this.policies.setPolicies(this.stored);
  }

  private change(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.type === 'put')
        this.stored.set(this.name(change.entry.key), change.entry.value.toString('utf8'));
      else this.stored.delete(this.name(change.key));
    }
    this.policies.setPolicies(this.stored);
  }

  private readonly name = (key: string): string => this.ctx.prefix.policies.name(key) ?? key;

  private published(force: InForce): void {
    const { metrics, log } = this.ctx;
    this.force = { ...force, since: Date.now() };
    const { policies, roleSets, programs, ms } = force;
    metrics.plan_seconds.observe(ms / 1000);
    metrics.role_sets.set({ how: 'compiled' }, programs?.compiled ?? 0);
    metrics.role_sets.set({ how: 'on-miss' }, programs?.asked ?? 0);
    metrics.instructions.set(programs?.instructions ?? 0);
    if (!programs) say(log, 'POLICIES_NONE');
    else {
      const details = { policies, sets: roleSets, programs: programs.compiled, fallback: programs.asked };
      say(log, 'POLICIES_PUBLISHED', { ...details, ms: Math.round(ms) });
    }
  }

  private settled(states: readonly PolicyState[], stuck: string | undefined): void {
    const { metrics, log } = this.ctx;
    this.trouble = stuck;
    metrics.pdp_up.set(1);
    metrics.role_sets.set({ how: 'unplanned' }, this.policies.unplanned().length);
    for (const state of ['used', 'old', 'refused'] as const) {
      metrics.policies.set({ state }, states.filter((each) => each.state === state).length);
    }
    for (const { id, state, reasons } of states) {
      const reason = reasons.join('; ');
      if (state !== 'used' && this.told.get(id) !== reason) {
        const instead = state === 'old' ? 'the one before it stays in force' : 'and there is none before it';
        say(log, 'POLICIES_REFUSED', { policy: id, reason, instead });
      }
      if (state === 'used') this.told.delete(id);
      else this.told.set(id, reason);
    }
  }

  private lost(): void {
    const address = this.decider?.place ?? '';
    say(this.ctx.log, 'POLICIES_PDP_LOST', { address });
    this.trouble = `Cerbos at ${address} does not have the policies that it was given`;
    this.ctx.metrics.pdp_up.set(0);
  }

  /** Of single queries, after it did not. */
  private answers(): void {
    this.trouble = undefined;
    this.ctx.metrics.pdp_up.set(1);
  }

  private failed(reason: string): void {
    if (this.trouble !== reason) say(this.ctx.log, 'POLICIES_PDP_AWAY', { reason });
    this.trouble = reason;
    this.ctx.metrics.role_sets.set({ how: 'unplanned' }, this.policies.unplanned().length);
    this.ctx.metrics.pdp_up.set(0);
  }
}

function unplannedText(sets: readonly RoleSet[]): string {
  const shown = sets.slice(0, named).map(({ roles }) => roles.join(' + '));
  const more = sets.length > named ? '; …' : '';
  return `sets of roles without a program, whose queries meet what \`fail\` of the bridge says: ${shown.join('; ')}${more}`;
}

const counted = (count: number): string => `${count} ${count === 1 ? 'policy is' : 'policies are'}`;
