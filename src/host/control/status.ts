// SPDX-License-Identifier: MPL-2.0
// The health report with what an operator asks next: how far everybody is, since when, and what to do.
import type { HealthReport } from '../health.js';
import type { Source } from '../streams/source.js';
import type { JournalReport, Part, PluginReport, Problem, StatusReport } from './api.js';
import { helpOf } from './refusal.js';
import { tablesReport } from './tables.js';

/** Worst first; a state that is not named here stands between. */
const gravity: Record<string, number> = { failed: 0, down: 0, degraded: 2, starting: 3 };
const unnamed = 1;

export function statusReport(
  health: HealthReport,
  sources: readonly Source[],
  more: { root: string; streams: number },
): StatusReport {
  const journals = Object.fromEntries(
    sources.map((source) => [source.name, journalReport(source, health.sources[source.name])]),
  );
  const plugins = Object.fromEntries(
    Object.entries(health.plugins).map(([name, said]): [string, PluginReport] => [
      name,
      { ...part(said), journals: progress(name, sources) },
    ]),
  );
  const store = { ...part(health.store), name: health.store.name, root: more.root };
  const control = { ...part(health.control), socket: health.control.socket, streams: more.streams };
  const { state, node, version, uptimeSeconds } = health;
  const tables = health.tables && tablesReport(health.tables, Date.now());
  const problems: Problem[] = [
    ...problem('store', store),
    ...problem('control socket', control),
    ...Object.entries(journals).flatMap(([name, each]) => problem(`journal ${name}`, each)),
    ...(tables === undefined ? [] : problem('tables', tables)),
    ...Object.entries(plugins).flatMap(([name, each]) => problem(`plugin ${name}`, each)),
  ].sort((a, b) => (gravity[a.state] ?? unnamed) - (gravity[b.state] ?? unnamed));
  const { pid } = process;
  const shown = tables === undefined ? {} : { tables };
  return { state, node, version, pid, uptimeSeconds, store, control, journals, ...shown, plugins, problems };
}

function part({ state, code, reason }: { state: string; code?: string; reason: string }): Part {
  const help = helpOf(code);
  return {
    state,
    ...(code === undefined ? {} : { code }),
    reason,
    ...(help === undefined ? {} : { help }),
  };
}

function problem(name: string, { state, code, reason, help }: Part): Problem[] {
  if (state === 'ok') return [];
  return [
    {
      part: name,
      state,
      ...(code === undefined ? {} : { code }),
      reason,
      ...(help === undefined ? {} : { help }),
    },
  ];
}

function journalReport(source: Source, health: HealthReport['sources'][string] | undefined): JournalReport {
  const { directory, family } = source;
  const walk = source.walk();
  const { head, oldest, bytes } = health ?? {};
  return {
    ...part(health ?? { state: 'starting', reason: '' }),
    directory,
    family,
    ...(head === undefined ? {} : { head }),
    ...(oldest === undefined ? {} : { oldest }),
    ...(bytes === undefined ? {} : { bytes }),
    ...(walk === undefined ? {} : { walk }),
  };
}

function progress(plugin: string, sources: readonly Source[]): PluginReport['journals'] {
  return Object.fromEntries(
    sources.flatMap((source) => {
      const found = source.progress(plugin);
      return found === undefined ? [] : [[source.name, found]];
    }),
  );
}
