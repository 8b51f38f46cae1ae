// SPDX-License-Identifier: MPL-2.0
// What is in effect, and who said so.
import { expanded, keysOf } from './catalogue.js';
import type { Origin } from './effective.js';
import { placeText } from './faults.js';
import { isSecretName } from './issues.js';
import type { Loaded } from './load.js';
import { dotted, type Table, valueAt } from './paths.js';
import { tomlValue } from './reference.js';

export interface Shown {
  path: string[];
  value: unknown;
  /** `default`, file:line:column, a variable, or a flag. */
  from: string;
}

/** Every key that has a value, in the order of the reference. Values that may be secrets are replaced. */
export function shownValues({ config, effective }: Loaded): Shown[] {
  const plugins = Object.entries(config.plugins).map(([name, { enabled, config: own }]) => {
    const named = valueAt(effective.raw, ['plugins', name, 'package']);
    return [name, { enabled, ...(named !== undefined && { package: named }), ...own }];
  });
  const values: Table = { ...config, plugins: Object.fromEntries(plugins) };
  const seen = new Set<string>();
  const rows: Shown[] = [];
  for (const key of keysOf(effective.catalogue))
    for (const path of expanded(key, values)) {
      const value = valueAt(values, path);
      if (value === undefined || seen.has(dotted(path))) continue;
      seen.add(dotted(path));
      rows.push({
        path,
        value: isSecretName(path.at(-1)) ? '(hidden)' : value,
        from: originText(effective.origin(path)),
      });
    }
  return rows;
}

const originText = (origin: Origin): string => (origin === 'default' ? 'default' : placeText(origin));

/** As TOML that can be read again, the origin behind each value. */
export function tomlShown(rows: readonly Shown[]): string {
  let section = '';
  const lines = rows.map(({ path, value, from }) => ({
    section: dotted(path.slice(0, -1)),
    line: `${path.at(-1)} = ${tomlValue(value)}`,
    from,
  }));
  const width = Math.min(60, Math.max(0, ...lines.map(({ line }) => line.length)));
  return lines
    .map((each) => {
      const header = each.section === section ? '' : `\n[${each.section}]\n`;
      section = each.section;
      return `${header}${each.line.padEnd(width)}  # ${each.from}\n`;
    })
    .join('');
}
