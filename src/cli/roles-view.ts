// SPDX-License-Identifier: MPL-2.0
// Who has which roles, for people.
import type { ClientReport, RolesReport } from '../host/control/api.js';
import type { Out } from './io.js';
import { count, printable, row, widths } from './text.js';

/** Ends with a newline. */
export function showRoleSets({ generation, sets }: RolesReport, out: Out): string {
  if (generation === 0) return 'nothing was published yet\n';
  const headings = ['SET', 'MAPPINGS', 'ROLES'];
  const rows = sets.map(({ id, roles, mappings }) => [
    String(id),
    id === 0 ? 'no mapping' : count(mappings),
    roles.map(printable).join(', '),
  ]);
  const all = [headings, ...rows];
  const wide = widths(all.map((cells) => cells.slice(0, -1)));
  const lines = all.map((cells, i) =>
    row(cells, wide, out.columns, (cell) => (i === 0 ? out.paint.dim(cell) : cell)),
  );
  return `${lines.join('\n')}\n`;
}

export function showClient({ client, id, roles, mapping }: ClientReport, out: Out): string {
  const why = mapping === undefined ? 'no mapping covers it' : `the mapping of ${printable(mapping)}`;
  const names = out.paint.bold(roles.map(printable).join(', '));
  return `${printable(client)} has ${names} (set ${id}): ${why}\n`;
}
