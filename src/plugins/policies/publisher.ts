// SPDX-License-Identifier: MPL-2.0
// From plans to programs in force: made once for the same plans, roles and lists, and published when they are others.
import type { ProgramsTable, RoleSet } from '../../host/plugin.js';
import type { PolicyText } from './pdp/pdp.js';
import type { Plans } from './plans.js';
import { Incompilable, makePrograms, type Programs } from './programs.js';
import type { PolicySource } from './source.js';

/** Policies with all their plans. */
export interface Planned {
  texts: readonly PolicyText[];
  sources: readonly PolicySource[];
  plans: Plans;
}

export interface PublisherOptions {
  table: Pick<ProgramsTable, 'action' | 'publish' | 'none'>;
  otherwise(roles: readonly string[]): string;
  onMiss(roles: readonly string[]): string | undefined;
  published(of: InForce): void;
}

export interface InForce {
  policies: number;
  roleSets: number;
  /** Undefined: there is no policy, and no program. */
  programs: Omit<Programs, 'section' | 'fallback'> | undefined;
  /** That are asked about, in their order. */
  actions: readonly string[];
  /** From the change to here, ms. */
  ms: number;
}

export class Publisher {
  private made: { of: readonly unknown[]; programs: Promise<Programs> } | undefined;
  private published: Buffer | 'none' | undefined;
  /** Sets of roles that have a program. */
  private covered: readonly RoleSet[] = [];

  constructor(private readonly options: PublisherOptions) {}

  /** Those of `roleSets` without a program: their queries meet what the bridge's `fail` says. */
  unplanned(roleSets: readonly RoleSet[]): RoleSet[] {
    return roleSets.filter((set) => !this.covered.some((each) => same(each, set)));
  }

  /** @throws Incompilable; what asking Cerbos throws */
  make(
    { texts, sources, plans }: Planned,
    roleSets: readonly RoleSet[],
    lists: ReadonlyMap<string, number>,
  ): Promise<Programs> {
    const of = [plans, roleSets, lists];
    if (this.made?.of.every((each, i) => each === of[i])) return this.made.programs;
    const { otherwise, onMiss } = this.options;
    const action = (text: string) => this.action(text, sources);
    const programs = makePrograms({ texts, sources, plans, roleSets, lists, otherwise, onMiss, action });
    this.made = { of, programs };
    programs.catch(() => {
      this.made = undefined;
    });
    return programs;
  }

  /** Has handed it over when it returns; resolves when it is in force. */
  async publish(
    { section, fallback, ...programs }: Programs,
    { sources, plans }: Planned,
    roleSets: readonly RoleSet[],
    since: number,
  ): Promise<void> {
    this.covered = roleSets;
    if (this.published !== 'none' && this.published?.equals(section)) return;
    this.published = section;
    try {
      await this.options.table.publish(section);
    } catch (error) {
      if (this.published === section) {
        this.published = undefined;
        this.covered = [];
      }
      throw error;
    }
    const { actions } = plans;
    this.tell({ policies: sources.length, roleSets: roleSets.length, programs, actions }, since);
  }

  async none(roleSets: number, since: number): Promise<void> {
    if (this.published === 'none') return;
    this.covered = [];
    this.published = 'none';
    try {
      await this.options.table.none();
    } catch (error) {
      this.published = undefined;
      throw error;
    }
    this.tell({ policies: 0, roleSets, programs: undefined, actions: [] }, since);
  }

  private tell(of: Omit<InForce, 'ms'>, since: number): void {
    this.options.published({ ...of, ms: performance.now() - since });
  }

  /** An answer that the configuration does not have is the policy's fault. */
  private action(text: string, sources: readonly PolicySource[]): number {
    try {
      return this.options.table.action(text);
    } catch (error) {
      const naming = sources.filter(({ rules }) => rules.some(({ actions }) => actions.includes(text)));
      if (naming.length === 0) throw error;
      throw new Incompilable(
        naming.map(({ id }) => id),
        error instanceof Error ? error.message : String(error),
      );
    }
  }
}

const same = (a: RoleSet, b: RoleSet): boolean =>
  a.id === b.id && a.roles.length === b.roles.length && a.roles.every((role, i) => role === b.roles[i]);
