// SPDX-License-Identifier: MPL-2.0
// What the host checks of a plugin's declarations before it runs anything of it.
import { NnoeError } from '../errors.js';
import { metricName } from '../metrics.js';
import { metricRows } from '../metrics-table.js';
import type { AnyPlugin, ConsumeSpec, MetricSpec, PrefixSpec, Running } from '../plugin.js';

const defaults = { window: 1, deadline: 30 };
const streams = ['lease'];

/** @throws NnoeError PLUGIN_INVALID for the first plugin that is not as plugin.ts says. */
export function checkPlugins(plugins: readonly AnyPlugin[]): void {
  const names = new Set<string>();
  const metricNames = new Set<string>();
  for (const plugin of plugins) {
    const refuse = (reason: string) => {
      throw new NnoeError('PLUGIN_INVALID', { plugin: String(plugin.name), reason });
    };
    if (plugin.api !== 1) refuse(`it is made for contract ${plugin.api}, this host has 1`);
    if (!/^[a-z][a-z0-9-]*$/.test(plugin.name)) refuse('its name is not of a-z, 0-9 and -');
    if (names.has(plugin.name)) refuse('there are two of that name');
    names.add(plugin.name);
    for (const [stream, spec] of Object.entries<ConsumeSpec>(plugin.consumes)) {
      if (!streams.includes(stream)) refuse(`it consumes ${stream}; there is ${streams.join(', ')}`);
      checkConsume(spec, refuse);
    }
    for (const [name, spec] of Object.entries<PrefixSpec>(plugin.prefixes))
      if (!/^([^/]+\/)+$/.test(spec.prefix)) refuse(`prefix ${name} is not like dhcp/leases/`);
    for (const [name, spec] of Object.entries<MetricSpec>(plugin.metrics)) {
      if (!/^[a-z][a-z0-9_]*$/.test(name) || spec.help === '')
        refuse(`metric ${name} is not of a-z, 0-9 and _, or has no help`);
      const whole = metricName(plugin.name, name, spec);
      if (!/^[a-z][a-z0-9_]*$/.test(whole)) refuse(`metric ${name} is named ${whole}: not of a-z, 0-9 and _`);
      if (Object.hasOwn(metricRows, whole) || metricNames.has(whole))
        refuse(`there is a metric ${whole} already`);
      metricNames.add(whole);
    }
  }
}

function checkConsume(spec: ConsumeSpec, refuse: (reason: string) => void): void {
  const whole = (value: number, most: number) => Number.isInteger(value) && value >= 1 && value <= most;
  const { batch, window = defaults.window, deadline = defaults.deadline, onGap } = spec;
  if (!whole(batch, 4096)) refuse(`its batch is ${batch}, not 1 to 4096`);
  if (!whole(window, 16)) refuse(`its window is ${window}, not 1 to 16`);
  if (!(deadline > 0 && deadline <= 3600)) refuse(`its deadline is ${deadline} s, not up to 3600`);
  if (onGap !== 'replay' && onGap !== 'ignore') refuse('it does not say what a gap means to it');
}

/** The spec with its defaults. */
export const consumeSpec = (spec: ConsumeSpec): Required<ConsumeSpec> => ({ ...defaults, ...spec });

/** @throws NnoeError PLUGIN_UNDECLARED or PLUGIN_INVALID when `setup` returned something else than declared. */
export function checkRunning(plugin: AnyPlugin, running: Running): void {
  const refuse = (reason: string) => {
    throw new NnoeError('PLUGIN_INVALID', { plugin: plugin.name, reason });
  };
  if (typeof running?.health !== 'function') refuse('it does not say how it is (health)');
  for (const stream of streams) {
    const handler = (running as Record<string, unknown>)[stream];
    const declared = Object.hasOwn(plugin.consumes, stream);
    if (declared && typeof handler !== 'function') refuse(`it consumes ${stream} without a handler`);
    if (!declared && handler !== undefined)
      throw new NnoeError('PLUGIN_UNDECLARED', { plugin: plugin.name, what: `stream ${stream}` });
  }
}
