// SPDX-License-Identifier: MPL-2.0
// The capability list: what plugins declare, read without running them.
import { catalogue, keysOf } from './config/catalogue.js';
import { type PluginConfig, pluginKeys } from './config.js';
import type { PluginInfo } from './control/api.js';
import { metricName } from './metrics.js';
import type { AnyPlugin, ConsumeSpec, Consumes, MetricSpec, PrefixSpec, TableSpec } from './plugin.js';
import { consumeSpec, decisionSpec } from './supervisor/declarations.js';

/** The package of the plugins that come with the host. */
export const ownPackage = 'nnoe';

export function capabilities(
  plugins: readonly AnyPlugin[],
  sections: Readonly<Record<string, PluginConfig>>,
): PluginInfo[] {
  return plugins.map((plugin) => ({
    name: plugin.name,
    stability: plugin.stability,
    summary: plugin.summary,
    package: sections[plugin.name]?.package ?? ownPackage,
    enabled: sections[plugin.name]?.enabled ?? false,
    consumes: streams(plugin.consumes),
    prefixes: Object.fromEntries(
      Object.entries<PrefixSpec>(plugin.prefixes).map(([name, { prefix, access }]) => [
        name,
        { prefix, access },
      ]),
    ),
    publishes: Object.fromEntries(
      Object.entries<TableSpec>(plugin.publishes ?? {}).map(([name, { table }]) => [name, { table }]),
    ),
    metrics: Object.fromEntries(
      Object.entries<MetricSpec>(plugin.metrics).map(([name, { type, help, labels = {} }]) => [
        metricName(plugin.name, name),
        { type, help, labels: Object.keys(labels) },
      ]),
    ),
    config: configKeys(plugin),
  }));
}

function streams({ lease, decision }: Consumes): PluginInfo['consumes'] {
  return {
    ...(lease === undefined ? {} : { lease: picked(consumeSpec(lease)) }),
    ...(decision === undefined ? {} : { decision: decisionSpec(decision) }),
  };
}

const picked = ({ batch, window, onGap, deadline }: Required<ConsumeSpec>) => ({
  batch,
  window,
  onGap,
  deadline,
});

function configKeys(plugin: AnyPlugin): PluginInfo['config'] {
  const own = keysOf(catalogue([plugin])).filter(
    ({ path: [section, name, key = ''] }) =>
      section === 'plugins' && name === plugin.name && !(key in pluginKeys.shape),
  );
  return Object.fromEntries(
    own.map(({ path, type, default: value, unit, description }) => [
      path.slice(2).join('.'),
      {
        type,
        ...(value === undefined ? {} : { default: value }),
        ...(unit === '' ? {} : { unit }),
        ...(description === '' ? {} : { description }),
      },
    ]),
  );
}
