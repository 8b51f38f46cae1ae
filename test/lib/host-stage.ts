// SPDX-License-Identifier: MPL-2.0
// A host in the test's own process, on real journals and a store in memory.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pino } from 'pino';
import * as assert from 'uvu/assert';
import { z } from 'zod';
import { parseConfig } from '../../src/host/config/load.js';
import type { ControlLimits } from '../../src/host/control/limits.js';
import type { NnoeError } from '../../src/host/errors.js';
import { Host } from '../../src/host/host.js';
import {
  type AnyPlugin,
  type ConsumeSpec,
  definePlugin,
  type LeaseBatch,
  type LeaseRecord,
} from '../../src/host/plugin.js';
import { MemoryStore } from '../../src/host/testing.js';
import { killScripts } from './journal-script.js';

export { parseConfig };

/** Waits until it holds; fails naming it. */
export async function until(what: () => boolean, ms = 5000): Promise<void> {
  const end = performance.now() + ms;
  while (!what() && performance.now() < end) await wait(5);
  assert.ok(what(), `still not so after ${ms} ms: ${what}`);
}

/** A plugin that keeps what it is handed, and does with a batch what `work` says. */
export interface Keeper {
  plugin: AnyPlugin;
  records: LeaseRecord[];
  batches: number;
  lives: number;
  /** The events' own numbers, in the order handed over. */
  numbers(): number[];
  /** `kind` of the records that are no events, with what tells them apart. */
  others(): string[];
  work: (batch: LeaseBatch) => void | Promise<void>;
}

export function keeper(name: string, spec: Partial<ConsumeSpec> = {}): Keeper {
  const kept: Keeper = {
    records: [],
    batches: 0,
    lives: 0,
    work: () => undefined,
    numbers: () => kept.records.flatMap((r) => (r.kind === 'lease' ? [r.event.observedUs] : [])),
    others: () => kept.records.flatMap((record) => (record.kind === 'lease' ? [] : [describe(record)])),
    plugin: definePlugin({
      api: 1,
      name,
      stability: 'experimental',
      summary: 'For tests.',
      config: z.object({}),
      consumes: { lease: { batch: 64, onGap: 'ignore', ...spec } },
      prefixes: {},
      metrics: {},
      setup() {
        kept.lives++;
        return {
          health: () => ({ state: 'ok' }),
          lease(batch) {
            kept.batches++;
            kept.records.push(...batch.records);
            return kept.work(batch);
          },
        };
      },
    }),
  };
  return kept;
}

function describe(record: LeaseRecord): string {
  if (record.kind === 'gap') return `gap ${record.reason}`;
  if (record.kind === 'walk-end') return `walk-end ${record.complete ? 'complete' : 'incomplete'}`;
  return record.kind;
}

export interface Stage {
  host: Host;
  store: MemoryStore;
  /** What the host logged: the codes, in order. */
  codes: string[];
  lines: Record<string, unknown>[];
  fatal: NnoeError[];
}

export interface StageOptions {
  journals: Record<string, string>;
  keepers?: Keeper[];
  /** Beside the keepers'. */
  plugins?: AnyPlugin[];
  more?: string;
  store?: MemoryStore;
  /** Control socket; default none. */
  socket?: string;
  limits?: Partial<ControlLimits>;
}

export async function stage(options: StageOptions): Promise<Stage> {
  const { journals, keepers = [], more = '', store, socket = '', limits = {} } = options;
  const sections = Object.entries(journals).map(
    ([name, directory]) => `[journal.${name}]\ndirectory = ${JSON.stringify(directory)}\nfamily = 4\n`,
  );
  const plugins = [...keepers.map((each) => each.plugin), ...(options.plugins ?? [])];
  const config = parseConfig(
    `http.listen = ""\ncontrol.socket = ${JSON.stringify(socket)}\n${more}\n${sections.join('')}`,
    plugins,
  );
  const lines: Record<string, unknown>[] = [];
  const codes: string[] = [];
  const write = (line: string) => {
    const entry = JSON.parse(line) as Record<string, unknown>;
    lines.push(entry);
    codes.push(String(entry.code));
  };
  const log = pino({ level: 'debug', messageKey: 'message' }, { write });
  const fatal: NnoeError[] = [];
  const memory = store ?? new MemoryStore();
  const host = new Host({ config, plugins, log, store: memory, limits, fatal: (error) => fatal.push(error) });
  hosts.push(host);
  await host.start();
  return { host, store: memory, codes, lines, fatal };
}

const made: string[] = [];
const hosts: Host[] = [];

export function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'nnoe-host-'));
  made.push(directory);
  return directory;
}

/** Stops and removes whatever the tests of a file left. */
export async function cleanUp(): Promise<void> {
  await Promise.all(hosts.splice(0).map((host) => host.stop(0.5).catch(() => undefined)));
  killScripts();
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
}
