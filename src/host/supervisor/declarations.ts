// SPDX-License-Identifier: MPL-2.0
// What the host checks of a plugin's declarations before it runs anything of it. Plugins come as plain
// JavaScript too, so nothing that the types say is taken for granted.
import { z } from 'zod';
import { NnoeError } from '../errors.js';
import { metricName } from '../metrics.js';
import { metricRows } from '../metrics-table.js';
import type { TableName, TableSpec } from '../plugin/tables.js';
import type { AnyPlugin, ConsumeSpec, DecisionSpec, PrefixSpec, Publishes, Running } from '../plugin.js';

const defaults = { window: 1, deadline: 30 };
const decisionDefaults = { records: 0, top: 0, deadline: 30 };
const streams = ['lease', 'decision'];
export const tableNames = ['roles', 'names', 'programs'] as const;

const word = /^[a-z][a-z0-9_]*$/;
const described = {
  help: z.string().min(1),
  labels: z.record(z.string().regex(word, 'a label is of a-z, 0-9 and _'), z.string().min(1)).optional(),
  name: z.string().regex(word).optional(),
};
const ascending = (buckets: readonly number[]) =>
  buckets.every((bound, i) => i === 0 || bound > (buckets[i - 1] as number));
const whole = (most: number) => z.int().min(1).max(most);

const declarations = z.strictObject({
  api: z.literal(1, 'this host has contract 1'),
  // Longer ones do not fit a cursor's name (native/shm/layout.h).
  name: z
    .string()
    .max(63)
    .regex(/^[a-z][a-z0-9-]*$/, 'a name is of a-z, 0-9 and -'),
  stability: z.enum(['stable', 'beta', 'experimental']),
  summary: z.string().min(1),
  config: z.instanceof(z.ZodObject, { error: 'z.object({…}), with z from nnoe/plugin' }),
  consumes: z.strictObject({
    lease: z
      .strictObject({
        batch: whole(4096),
        window: whole(16).optional(),
        onGap: z.enum(['replay', 'ignore']),
        deadline: z.number().positive().max(3600).optional(),
      })
      .optional(),
    decision: z
      .strictObject({
        records: z.int().min(0).max(1024).optional(),
        top: z.int().min(0).max(3072).optional(),
        deadline: z.number().positive().max(3600).optional(),
      })
      .optional(),
  }),
  prefixes: z.record(
    z.string(),
    z.strictObject({
      prefix: z.string().regex(/^([^/]+\/)+$/, 'a prefix is like dhcp/leases/'),
      access: z.enum(['read', 'write']),
    }),
  ),
  publishes: z
    .record(z.string(), z.strictObject({ table: z.enum(tableNames) }))
    .refine(
      (tables) =>
        new Set(Object.values(tables).map(({ table }) => table)).size === Object.keys(tables).length,
      {
        error: 'each table once',
      },
    )
    .optional(),
  metrics: z.record(
    z.string().regex(word, 'a name is of a-z, 0-9 and _'),
    z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('counter'), ...described }),
      z.strictObject({ type: z.literal('gauge'), ...described }),
      z.strictObject({
        type: z.literal('histogram'),
        buckets: z.array(z.number()).min(1).readonly().refine(ascending, 'buckets ascend'),
        ...described,
      }),
    ]),
  ),
  optIn: z.boolean().optional(),
  setup: z.custom((value) => typeof value === 'function', 'a function'),
});

/**
 * @param runs whether a plugin is enabled: of those no two publish one table.
 * @throws NnoeError PLUGIN_INVALID for the first plugin that is not as plugin.ts says, with all its faults.
 */
export function checkPlugins(
  plugins: readonly AnyPlugin[],
  runs: (name: string) => boolean = () => true,
): void {
  const names = new Set<string>();
  const metrics = new Map<string, string>();
  for (const plugin of plugins) {
    const refuse = (reason: string) => {
      throw new NnoeError('PLUGIN_INVALID', { plugin: String(plugin?.name), reason });
    };
    const { error } = declarations.safeParse(plugin);
    if (error !== undefined) refuse(error.issues.map(fault).join('; '));
    if (names.has(plugin.name)) refuse('there are two of that name');
    names.add(plugin.name);
    for (const each of Object.keys(plugin.metrics)) {
      const name = metricName(plugin.name, each, plugin.metrics[each]);
      const other = Object.hasOwn(metricRows, name) ? 'the host' : metrics.get(name);
      if (other !== undefined)
        refuse(`metric ${each} would be ${name}, which is a metric of ${other} already`);
      metrics.set(name, `plugin ${plugin.name}`);
    }
  }
  const [twice] = publishedTwice(plugins.filter(({ name }) => runs(name)));
  if (twice !== undefined) {
    const { plugin, table, other } = twice;
    const reason = `it publishes the table ${table}, and so does plugin ${other}; enable one of them`;
    throw new NnoeError('PLUGIN_INVALID', { plugin, reason });
  }
}

/** Plugins that publish what one before them publishes. @param plugins that are enabled. */
export function publishedTwice(
  plugins: readonly AnyPlugin[],
): { plugin: string; table: string; other: string }[] {
  const publishers = new Map<string, string>();
  return plugins.flatMap(({ name: plugin, publishes = {} }) =>
    Object.values<Publishes[string]>(publishes).flatMap(({ table }) => {
      const other = publishers.get(table);
      if (other !== undefined) return [{ plugin, table, other }];
      publishers.set(table, plugin);
      return [];
    }),
  );
}

const fault = ({ path, message }: z.core.$ZodIssue) =>
  path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`;

/** The spec with its defaults. */
export const consumeSpec = (spec: ConsumeSpec): Required<ConsumeSpec> => ({ ...defaults, ...spec });

export const decisionSpec = (spec: DecisionSpec): Required<DecisionSpec> => ({
  ...decisionDefaults,
  ...spec,
});

/** @throws NnoeError PLUGIN_UNDECLARED or PLUGIN_INVALID when `setup` returned something else than declared. */
export function checkRunning(plugin: AnyPlugin, running: Running): void {
  const refuse = (reason: string) => {
    throw new NnoeError('PLUGIN_INVALID', { plugin: plugin.name, reason });
  };
  if (typeof running?.health !== 'function') refuse('it does not say how it is (health)');
  if (running.stop !== undefined && typeof running.stop !== 'function') refuse('its stop is no function');
  const { operations = {} } = running;
  for (const [name, work] of Object.entries(operations))
    if (!/^[a-z][a-z-]*$/.test(name) || typeof work !== 'function') refuse(`its operation ${name} is none`);
  for (const stream of streams) {
    const handler = (running as Record<string, unknown>)[stream];
    const declared = Object.hasOwn(plugin.consumes, stream);
    if (declared && typeof handler !== 'function') refuse(`it consumes ${stream} without a handler`);
    if (!declared && handler !== undefined)
      throw new NnoeError('PLUGIN_UNDECLARED', { plugin: plugin.name, what: `stream ${stream}` });
  }
}

/** Whether a walk gives back what a plugin wrote into a store that was lost. */
export function keepsLeases({ consumes, prefixes }: AnyPlugin): boolean {
  const written = Object.values<PrefixSpec>(prefixes).some(({ access }) => access === 'write');
  return written && consumes.lease?.onGap === 'replay';
}

/** What these plugins publish. */
export const publishedTables = (plugins: readonly AnyPlugin[]): Set<TableName> =>
  new Set(
    plugins.flatMap(({ publishes = {} }) => Object.values<TableSpec>(publishes).map(({ table }) => table)),
  );
