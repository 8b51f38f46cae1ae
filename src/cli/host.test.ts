// SPDX-License-Identifier: MPL-2.0
// `nnoe host` as a process: what it refuses, how it ends, and with which status.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cleanUp, temporary, until } from '../../test/lib/host-stage.js';
import { JournalScript } from '../../test/lib/journal-script.js';

const here = dirname(fileURLToPath(import.meta.url));

class Run {
  readonly lines: { code?: string; message?: string; address?: string }[] = [];
  stderr = '';
  status: number | null | undefined;
  readonly child: ChildProcess;
  static all: Run[] = [];

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const { stdout, stderr } = this.child;
    if (stdout) createInterface(stdout).on('line', (line) => this.lines.push(JSON.parse(line)));
    stderr?.on('data', (text) => {
      this.stderr += text;
    });
    this.child.once('close', (status) => {
      this.status = status;
    });
    Run.all.push(this);
  }

  said(code: string): boolean {
    return this.lines.some((line) => line.code === code);
  }

  async ended(): Promise<number | null> {
    if (this.status === undefined) await once(this.child, 'close');
    return this.status ?? null;
  }

  get url(): string {
    return `http://${this.lines.find((line) => line.code === 'HTTP_LISTENING')?.address}`;
  }
}

const host = (config: string) => new Run(join(here, 'nnoe.js'), 'host', '--config', config);

/** Nobody listens on port 1. */
function configFile(directory: string, more = ''): string {
  const file = join(directory, 'nnoe.toml');
  const text = `http.listen = "127.0.0.1:0"
    control.socket = ""
    stop.deadline = 3
    tables.directory = ${JSON.stringify(join(directory, 'tables'))}
    tables.decisions = ${JSON.stringify(join(directory, 'decisions'))}
    [store]
    kind = "etcd"
    directory = ${JSON.stringify(join(directory, 'store'))}
    endpoints = ["http://127.0.0.1:1"]
    [tables]
    directory = ${JSON.stringify(join(directory, 'tables'))}
    decisions = ${JSON.stringify(join(directory, 'decisions'))}
    [journal.dhcp4]
    directory = ${JSON.stringify(join(directory, 'journal'))}
    family = 4
    ${more}`;
  writeFileSync(file, text);
  return file;
}

test.after(async () => {
  for (const { child } of Run.all) child.kill('SIGKILL');
  await cleanUp();
});

test('a configuration that is absent or wrong is refused with status 78, on standard error', async () => {
  const absent = host('/nowhere/nnoe.toml');
  assert.is(await absent.ended(), 78);
  assert.match(absent.stderr, 'nnoe: cannot read the configuration /nowhere/nnoe.toml');
  const wrong = host(configFile(temporary(), '[journal.dhcp6]\nfamily = 7\n'));
  assert.is(await wrong.ended(), 78);
  assert.match(wrong.stderr, 'journal.dhcp6.directory: found nothing, expected a text in quotes');
  assert.match(wrong.stderr, 'journal.dhcp6.family: found 7, expected one of 4, 6');
});

test('a wrong command line is refused with status 64', async () => {
  assert.is(await new Run(join(here, 'nnoe.js'), 'host', '--confg', 'x').ended(), 64);
});

test('it starts without store and journal, says what it waits for, and ends with 0', async () => {
  const run = host(configFile(temporary()));
  await until(() => run.said('HOST_STARTED'), 15_000);
  const response = await fetch(`${run.url}/health`);
  assert.is(response.status, 503);
  const health = (await response.json()) as Record<string, Record<string, Record<string, unknown>>>;
  assert.is(health.sources?.dhcp4?.code, 'JOURNAL_ABSENT');
  assert.is(health.plugins?.leases?.state, 'starting');
  const metrics = await (await fetch(`${run.url}/metrics`)).text();
  assert.match(metrics, 'nnoe_journal_up{journal="dhcp4"} 0');
  assert.match(metrics, 'nnoe_agent_etcd_connected 0');
  assert.match(metrics, 'nnoe_agent_uptime_seconds');
  assert.is((await fetch(`${run.url}/other`)).status, 404);
  run.child.kill('SIGTERM');
  assert.is(await run.ended(), 0);
  assert.ok(run.said('HOST_STOPPED'));
  assert.is(run.stderr, '');
});

test('a second host on the same journal ends with 75 and names the directory; the first goes on', async () => {
  const directory = temporary();
  const script = await JournalScript.start(join(directory, 'journal'));
  const file = configFile(directory);
  const first = host(file);
  await until(() => first.said('SOURCE_OPENED'), 15_000);
  const second = host(file);
  assert.is(await second.ended(), 75);
  const said = second.lines.find((line) => line.code === 'JOURNAL_BUSY');
  assert.match(said?.message ?? '', join(directory, 'journal'));
  assert.is(first.status, undefined);
  first.child.kill('SIGINT');
  assert.is(await first.ended(), 0);
  await script.end();
});

/** A host whose only plugin runs `setup`, on a journal with one event. */
async function hostWith(setup: string): Promise<Run> {
  const directory = temporary();
  const script = await JournalScript.start(join(directory, 'journal'));
  await script.lease(1).end();
  const program = join(directory, 'program.mjs');
  const from = (module: string) => JSON.stringify(join(here, '..', module));
  writeFileSync(
    program,
    `import { runHost } from ${from('cli/host.js')};
    import { definePlugin } from ${from('host/plugin.js')};
    import { createRequire } from 'node:module';
    const { z } = createRequire(${from('host/plugin.js')})('zod');
    const plugin = definePlugin({
      api: 1, name: 'sample', stability: 'experimental', summary: 's', config: z.object({}),
      consumes: { lease: { batch: 8, onGap: 'ignore' } }, prefixes: {}, metrics: {},
      setup(ctx) { const health = () => ({ state: 'ok' }); ${setup} },
    });
    process.exit(await runHost({ file: ${JSON.stringify(configFile(directory))} }, [plugin]));`,
  );
  return new Run(program);
}

test('a batch that never settles does not keep the host; a second signal ends it at once', async () => {
  const stuck = `return { health, lease: () => new Promise(() => ctx.log.info({ code: 'STUCK' })) };`;
  const run = await hostWith(stuck);
  await until(() => run.said('STUCK'), 15_000);
  const began = performance.now();
  run.child.kill('SIGTERM');
  assert.is(await run.ended(), 0);
  assert.ok(performance.now() - began < 3500);
  assert.ok(run.said('HOST_STOP_DRAIN'));
  const other = await hostWith(stuck);
  await until(() => other.said('STUCK'), 15_000);
  other.child.kill('SIGTERM');
  await until(() => other.said('HOST_STOPPING'));
  const again = performance.now();
  other.child.kill('SIGTERM');
  assert.is(await other.ended(), 143);
  assert.ok(performance.now() - again < 1000);
});

test('a rejection that nobody handles is logged, and ends the host with 70', async () => {
  const run = await hostWith(
    `setTimeout(() => Promise.reject(new Error('forgotten')), 50); return { health, lease: () => undefined };`,
  );
  assert.is(await run.ended(), 70);
  const said = run.lines.find((line) => line.code === 'HOST_UNHANDLED');
  assert.match(said?.message ?? '', 'unexpected rejection: forgotten');
  assert.ok(run.said('HOST_STOPPED'), 'in order');
});

test('a port that is taken is refused with 78', async () => {
  const first = host(configFile(temporary()));
  await until(() => first.said('HOST_STARTED'), 15_000);
  const directory = temporary();
  const file = join(directory, 'nnoe.toml');
  writeFileSync(file, `http.listen = ${JSON.stringify(first.url.slice(7))}\ncontrol.socket = ""`);
  const second = host(file);
  assert.is(await second.ended(), 78);
  assert.ok(second.said('HTTP_LISTEN'));
  first.child.kill('SIGTERM');
  assert.is(await first.ended(), 0);
});

test.run();
