// SPDX-License-Identifier: MPL-2.0
// What a table holds as it is published, for assertions.
import { parseAddress } from '../address.js';
import type { ListKind, TableName } from '../plugin/tables.js';
import { Act } from '../tables/actions.js';
import { longest, type MemoryState, nameText } from './memory-tables.js';

export interface RolesView {
  /** Prefix to roles. */
  readonly mappings: Readonly<Record<string, readonly string[]>>;
  /** Of clients without a mapping. */
  readonly default: readonly string[];
  /** Roles of a client, by its address. */
  find(client: string): readonly string[];
}

export interface NamesView {
  /** By list; `example.org` is that name, `*.example.org` it and all below. Sorted. */
  readonly lists: Readonly<Record<string, { kind: ListKind; names: readonly string[] }>>;
  /** Kind of action that a client with these roles meets on a list, such as `nxdomain`; undefined: not subscribed. */
  action(list: string, roles: readonly string[]): string | undefined;
}

export interface ProgramsView {
  /** As published; 'unplanned' while nobody has a program, undefined without policies. */
  readonly section: Uint8Array | 'unplanned' | undefined;
  /** Kinds of action by number. */
  readonly actions: readonly string[];
}

export interface TableViews {
  roles: RolesView;
  names: NamesView;
  programs: ProgramsView;
}

const kinds = [undefined, 'block', 'allow'] as const;
const actionNames = Object.keys(Act);

export const views: { [N in TableName]: (state: MemoryState) => TableViews[N] } = {
  roles: ({ clients, roleSets }) => ({
    mappings: Object.fromEntries([...clients].map(([prefix, set]) => [prefix, roleSets[set] ?? []])),
    default: roleSets[0] ?? [],
    find: (client) => roleSets[longest(clients, parseAddress(client) ?? Buffer.alloc(0))?.roleSet ?? 0] ?? [],
  }),
  names: (state) => ({
    lists: Object.fromEntries(
      state.lists.flatMap((list, number) => {
        const kind = kinds[state.subscriptions?.kinds[number] ?? 0];
        return kind ? [[list, { kind, names: [...(state.names[number] ?? [])].map(nameText).sort() }]] : [];
      }),
    ),
    action: (list, roles) => actionOf(state, list, roles),
  }),
  programs: ({ programs, actions }) => ({
    section: programs,
    actions: actions.map(({ act }) => actionNames[act] ?? ''),
  }),
};

function actionOf(
  { roleSets, lists, actions, subscriptions }: MemoryState,
  list: string,
  roles: readonly string[],
) {
  const wanted = [...roles].sort().join('\0');
  const set = roleSets.findIndex((each) => [...each].sort().join('\0') === wanted);
  if (subscriptions === undefined || set === -1) return undefined;
  const { classes, rows } = subscriptions;
  const found = rows[(classes[set] ?? 0) * lists.length + lists.indexOf(list)] ?? 0;
  return found === 0 ? undefined : actionNames[actions[found - 1]?.act ?? 0];
}
