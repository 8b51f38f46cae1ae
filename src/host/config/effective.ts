// SPDX-License-Identifier: MPL-2.0
// File, variables and flags put together, checked, and turned into the configuration; or into every fault.
import type { z } from 'zod';
import { type HostConfig, hostSchema, type PluginConfig, pluginKeys } from '../config.js';
import { reasonOf } from '../errors.js';
import type { AnyPlugin } from '../plugin.js';
import { type Catalogue, keyAt, keysOf, keyText, namesIn } from './catalogue.js';
import type { Document } from './document.js';
import type { Fault, FaultPlace } from './faults.js';
import { expectation, type Issue, isSecretName, show, validate } from './issues.js';
import { nearest, suggestion } from './nearest.js';
import type { Override } from './overrides.js';
import { dotted, isTable, type Path, pathId, put, type Table, valueAt } from './paths.js';

/** Where a value comes from; `default` when nobody said anything. */
export type Origin = FaultPlace | 'default';

export class Effective {
  readonly faults: Fault[] = [];
  readonly raw: Table;
  readonly #origins = new Map<string, FaultPlace>();

  constructor(
    readonly document: Document,
    readonly overrides: readonly Override[],
    readonly catalogue: Catalogue,
  ) {
    this.raw = structuredClone(document.value);
    for (const { path, value, place } of overrides) {
      put(this.raw, path, value);
      this.#origins.set(pathId(path), place);
    }
  }

  /** Fills `faults`. @param unreadable plugins that did not load, which has been reported. */
  check(plugins: readonly AnyPlugin[], unreadable: readonly string[]): HostConfig | undefined {
    const host = this.#validate(hostSchema, this.raw, []);
    const sections = isTable(this.raw.plugins) ? this.raw.plugins : {};
    this.#unknownPlugins(sections, plugins, unreadable);
    const configs = plugins.map(
      (plugin) => [plugin.name, this.#plugin(plugin, sections[plugin.name])] as const,
    );
    if (host === undefined || this.faults.length > 0) return undefined;
    return { ...(host as z.output<typeof hostSchema>), plugins: Object.fromEntries(configs) };
  }

  /** Where the value at `path` was set. */
  origin(path: Path): Origin {
    for (let length = path.length; length > 0; length--) {
      const id = pathId(path.slice(0, length));
      const override = this.#origins.get(id);
      if (override !== undefined) return override;
      const place = this.document.places.get(id);
      // A section says where its keys stand only when it is one value, as an inline table of a plugin.
      if (place !== undefined && (length === path.length || valueAt(this.raw, path) !== undefined))
        return { file: this.document.file, ...place.value };
    }
    return 'default';
  }

  /** Where to correct `path`: the value, else the header of the innermost section that there is. */
  place(path: Path, what: 'key' | 'value' = 'value'): FaultPlace {
    for (let length = path.length; length > 0; length--) {
      const here = path.slice(0, length);
      const found =
        this.#origins.get(pathId(here)) ?? this.#documentPlace(here, length === path.length ? what : 'key');
      if (found !== undefined) return found;
      const below = this.overrides.find((each) => here.every((step, i) => each.path[i] === String(step)));
      if (below !== undefined) return below.place;
    }
    return { file: this.document.file, line: 1, column: 1 };
  }

  #documentPlace(path: Path, what: 'key' | 'value'): FaultPlace | undefined {
    const place = this.document.places.get(pathId(path));
    return place && { file: this.document.file, ...place[what] };
  }

  #fault(path: Path, message: string, what: 'key' | 'value' = 'value'): void {
    this.faults.push({ place: this.place(path, what), message: `${dotted(path)}: ${message}` });
  }

  #validate(schema: z.ZodType, raw: Table, above: Path): Table | undefined {
    const { data, issues } = validate(schema, raw);
    for (const issue of issues) this.#issue(issue, above);
    return data;
  }

  #issue(issue: Issue, above: Path): void {
    const path: Path = [...above, ...(issue.path as Path)];
    if (issue.code === 'unrecognized_keys') {
      for (const name of issue.keys)
        this.#fault([...path, name], `unknown key; ${this.#instead(name, path)}`, 'key');
      return;
    }
    const value = valueAt(this.raw, path);
    // It may stand in what could not be read.
    if (value === undefined && this.document.broken) return;
    // The unit and range of a list's element are those of the list.
    const key = keyAt(this.catalogue, path) ?? keyAt(this.catalogue, path.slice(0, -1));
    const hidden = key?.schema.names === 'secret' || path.some(isSecretName);
    const expected = expectation(issue, key?.unit ?? '', key?.range ?? '');
    if (issue.code === 'invalid_key') this.#fault(path, `found that name, expected ${expected}`, 'key');
    else this.#fault(path, `found ${show(value, hidden)}, expected ${expected}`);
  }

  /** What to write instead of an unknown key. */
  #instead(name: string, path: Path): string {
    const known = namesIn(this.catalogue, path);
    const elsewhere = keysOf(this.catalogue).find((key) => key.path.length > 1 && key.path.at(-1) === name);
    if (nearest(name, known) !== undefined || elsewhere === undefined) return suggestion(name, known);
    return `it belongs in [${keyText({ path: elsewhere.path.slice(0, -1) })}]`;
  }

  #unknownPlugins(sections: Table, plugins: readonly AnyPlugin[], unreadable: readonly string[]): void {
    const known = plugins.map((plugin) => plugin.name);
    for (const [name, section] of Object.entries(sections)) {
      if (known.includes(name) || unreadable.includes(name)) continue;
      // One that is switched off was not loaded, and nothing is known of its keys.
      if (isTable(section) && section.package !== undefined && section.enabled === false) continue;
      this.#fault(
        ['plugins', name],
        `no such plugin; ${suggestion(name, known)} One that is not of this release needs package = "..."`,
        'key',
      );
    }
  }

  #plugin(plugin: AnyPlugin, section: unknown): PluginConfig {
    if (section !== undefined && !isTable(section)) return { enabled: false, config: {} }; // the host's schema says so already
    const { enabled = plugin.optIn !== true, package: from, ...own } = section ?? {};
    const origin = typeof from === 'string' ? { package: from } : {};
    const off = { enabled: false, config: {}, ...origin };
    // What is switched off is not checked.
    if (enabled === false) return off;
    const above = ['plugins', plugin.name];
    try {
      return { ...off, enabled: true, config: this.#validate(plugin.config.strict(), own, above) ?? {} };
    } catch (error) {
      this.#fault(above, `the plugin cannot check its configuration: ${reasonOf(error)}`);
      return off;
    }
  }
}

export const reservedKeys = Object.keys(pluginKeys.shape);
