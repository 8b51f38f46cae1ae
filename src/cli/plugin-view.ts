// SPDX-License-Identifier: MPL-2.0
// The capability list for people.
import type { PluginInfo, PluginReport } from '../host/control/api.js';
import type { Out } from './io.js';
import { paintState } from './status-view.js';
import { printable, row, widths, wrap } from './text.js';

export type ShownPlugin = PluginInfo & { status?: PluginReport };

const stateColumn = 2;

/** Ends with a newline. */
export function showPlugins(plugins: readonly ShownPlugin[], out: Out): string {
  const headings = ['PLUGIN', 'STABILITY', 'STATE', 'CAPABILITIES', 'SUMMARY'];
  const rows = plugins.map((each) =>
    [each.name, each.stability, stateOf(each), capabilities(each), each.summary].map(printable),
  );
  return lines(table([headings, ...rows], out, stateColumn));
}

export function showPlugin(plugin: ShownPlugin, out: Out): string {
  const { paint } = out;
  const head = `${paint.bold(printable(plugin.name))} (${plugin.stability}, from ${printable(plugin.package)}): ${paintState(stateOf(plugin), stateOf(plugin), out)}`;
  const summary = out.columns === undefined ? [plugin.summary] : wrap(plugin.summary, out.columns);
  const consumes = streams(plugin.consumes);
  const config = Object.entries(plugin.config).map(
    ([key, { type, default: usual, unit, description = '' }]) => {
      const value =
        usual === undefined ? '' : `${JSON.stringify(usual)}${unit === undefined ? '' : ` ${unit}`}`;
      return [key, type, value, description];
    },
  );
  const prefixes = Object.values(plugin.prefixes).map(({ prefix, access }) => [prefix, access]);
  // A host of before knew of no tables.
  const tables = Object.values(plugin.publishes ?? {}).map(({ table }) => [table]);
  const metrics = Object.entries(plugin.metrics).map(([name, { type, help }]) => [name, type, help]);
  return lines([
    head,
    ...summary.map(printable),
    ...section('Consumes', consumes, out),
    ...section(`Configuration, below [plugins.${plugin.name}]`, config, out),
    ...section('Keys in the store, below the root', prefixes, out),
    ...section('Tables', tables, out),
    ...section('Metrics', metrics, out),
  ]);
}

function streams({ lease, decision }: PluginInfo['consumes']): string[][] {
  const rows: string[][] = [];
  if (lease !== undefined) {
    const { batch, window, deadline, onGap } = lease;
    rows.push([
      'lease',
      `${batch} records in a batch, ${window} at a time, ${deadline} s each; on a gap: ${onGap}`,
    ]);
  }
  if (decision !== undefined) {
    const { records, top, deadline } = decision;
    rows.push([
      'decision',
      `counts, the ${top} most frequent, ${records} records in a batch; ${deadline} s each`,
    ]);
  }
  return rows;
}

/** In few words; `nnoe plugins NAME` has them all. */
function capabilities({ consumes, prefixes, publishes = {}, metrics }: ShownPlugin): string {
  const count = (what: string, number: number) =>
    number === 0 ? [] : [`${number} ${what}${number === 1 ? '' : what === 'prefix' ? 'es' : 's'}`];
  const words = [
    ...Object.keys(consumes),
    ...count('prefix', Object.keys(prefixes).length),
    ...count('table', Object.keys(publishes).length),
    ...count('metric', Object.keys(metrics).length),
  ];
  return words.length === 0 ? 'none' : words.join(', ');
}

function stateOf({ enabled, status }: ShownPlugin): string {
  if (!enabled) return 'disabled';
  return status === undefined ? 'enabled' : printable(status.state);
}

function section(title: string, rows: string[][], out: Out): string[] {
  if (rows.length === 0) return [];
  const cells = rows.map((each) => ['', ...each].map(printable));
  return ['', out.paint.bold(title), ...table(cells, out)];
}

function table(rows: readonly string[][], out: Out, state = -1): string[] {
  const wide = widths(rows.map((cells) => cells.slice(0, -1)));
  return rows.map((cells, i) =>
    row(cells, wide, out.columns, (cell, column) => {
      if (state !== -1 && i === 0) return out.paint.dim(cell);
      return column === state ? paintState(cell.trim(), cell, out) : cell;
    }),
  );
}

const lines = (all: readonly string[]) => `${all.join('\n')}\n`;
