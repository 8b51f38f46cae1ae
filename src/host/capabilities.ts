// SPDX-License-Identifier: MPL-2.0
// The capability list: what plugins declare, read without running them.
import { z } from 'zod';
import type { PluginConfig } from './config.js';
import type { PluginInfo } from './control/api.js';
import { metricName } from './metrics.js';
import type { AnyPlugin, ConsumeSpec, MetricSpec, PrefixSpec } from './plugin.js';
import { consumeSpec } from './supervisor/declarations.js';

/** The package of the plugins that come with the host. */
export const ownPackage = 'nnoe';

/** @param packages of plugins that come from elsewhere, by plugin. */
export function capabilities(
  plugins: readonly AnyPlugin[],
  sections: Record<string, PluginConfig>,
  packages: Readonly<Record<string, string>> = {},
): PluginInfo[] {
  return plugins.map((plugin) => ({
    name: plugin.name,
    stability: plugin.stability,
    summary: plugin.summary,
    package: packages[plugin.name] ?? ownPackage,
    enabled: sections[plugin.name]?.enabled ?? false,
    consumes: Object.fromEntries(
      Object.entries<ConsumeSpec>(plugin.consumes).map(([stream, spec]) => {
        const { batch, window, onGap, deadline } = consumeSpec(spec);
        return [stream, { batch, window, onGap, deadline }];
      }),
    ),
    prefixes: Object.fromEntries(
      Object.entries<PrefixSpec>(plugin.prefixes).map(([name, { prefix, access }]) => [
        name,
        { prefix, access },
      ]),
    ),
    metrics: Object.fromEntries(
      Object.entries<MetricSpec>(plugin.metrics).map(([name, { type, help, labels = [] }]) => [
        metricName(plugin.name, name),
        { type, help, labels: [...labels] },
      ]),
    ),
    config: configKeys(plugin.config),
  }));
}

interface SchemaNode {
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  items?: SchemaNode;
  anyOf?: SchemaNode[];
  default?: unknown;
  unit?: string;
  description?: string;
  properties?: Record<string, SchemaNode>;
}

function configKeys(schema: z.ZodObject): PluginInfo['config'] {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as SchemaNode;
  return Object.fromEntries(
    Object.entries(properties).map(([key, node]) => [
      key,
      {
        type: typeOf(node),
        ...(node.default === undefined ? {} : { default: node.default }),
        ...(node.unit === undefined ? {} : { unit: node.unit }),
        ...(node.description === undefined ? {} : { description: node.description }),
      },
    ]),
  );
}

function typeOf(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.anyOf !== undefined) return [...new Set(node.anyOf.map(typeOf))].join(' | ');
  if (node.type === 'array') return `list of ${node.items === undefined ? 'any' : typeOf(node.items)}`;
  return [node.type ?? 'any'].flat().join(' | ');
}
