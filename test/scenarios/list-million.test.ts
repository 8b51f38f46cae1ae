// SPDX-License-Identifier: MPL-2.0
// A list of a million names is replaced, time and again, under a dnsdist that answers all the while: every answer is
// that of one list or the other, and memory comes back.
import { once } from 'node:events';
import { createWriteStream, readFileSync, renameSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ask } from '../daemons/lib/dns.js';
import { bridgeLine, Dnsdist } from '../daemons/lib/dnsdist.js';
import { Host } from '../daemons/lib/host.js';
import { Knot } from '../daemons/lib/knot.js';
import { until } from '../daemons/lib/process.js';
import { temporary } from '../daemons/lib/workspace.js';

const count = 1_000_000;
const path = join(temporary('lists'), 'million');

/** Names of this list alone, and one that every list has. */
async function write(list: string): Promise<void> {
  const out = createWriteStream(`${path}.new`);
  out.write('always.example\n');
  for (let i = 1; i < count; i += 10_000) {
    const rows = Array.from({ length: Math.min(10_000, count - i) }, (_, j) => `n${i + j}.${list}.example\n`);
    if (!out.write(rows.join(''))) await once(out, 'drain');
  }
  await finished(out.end());
  renameSync(`${path}.new`, path);
}

/** Resident memory that belongs to the process alone, MB. */
const memory = (pid: number | undefined): number =>
  Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

/** Asks all the while; what it finds wrong. */
function load(dnsdist: Dnsdist) {
  const wrong: string[] = [];
  let asked = 0;
  let over = false;
  const work = async () => {
    while (!over) {
      const own = asked++;
      const [name, wanted] =
        own % 2 === 0 ? ['always.example', 'NXDOMAIN'] : [`fine${own}.example`, 'NOERROR'];
      const rcode = (await ask(dnsdist, { name }))?.rcode;
      if (rcode !== wanted) wrong.push(`${name}: ${rcode}`);
    }
  };
  const done = Promise.all([work(), work()]);
  return {
    async stop() {
      over = true;
      await done;
      return { asked, wrong };
    },
  };
}

test('a list of a million names is replaced under load', async () => {
  const knot = await Knot.start();
  await write('first');
  const lists = { list: { million: { path } }, subscribe: [{ lists: ['million'] }], 'check-interval': 1 };
  const host = await Host.start({ journals: {}, plugins: { lists }, startsHealthy: false });
  const directory = join(host.directory, 'tables');
  const dnsdist = await Dnsdist.start({ server: knot, lua: [bridgeLine({ directory, fail: 'closed' })] });
  const becomes = (name: string, rcode: string) =>
    until(`${rcode} for ${name}`, async () => (await ask(dnsdist, { name }))?.rcode === rcode, 60_000, 20);
  await becomes('n7.first.example', 'NXDOMAIN');
  const queries = load(dnsdist);
  const replace = async (list: string, before: string) => {
    await write(list);
    await becomes(`n7.${list}.example`, 'NXDOMAIN');
    assert.is((await ask(dnsdist, { name: `n${count - 1}.${list}.example` }))?.rcode, 'NXDOMAIN');
    assert.is((await ask(dnsdist, { name: `n7.${before}.example` }))?.rcode, 'NOERROR');
  };
  await replace('second', 'first');
  const after = { host: memory(host.proc?.pid), dnsdist: memory(dnsdist.proc.pid) };
  await replace('third', 'second');
  await replace('fourth', 'third');
  const { asked, wrong } = await queries.stop();
  assert.equal(wrong.slice(0, 5), [], `of ${asked} answers`);
  assert.ok(asked > 100, `${asked}`);
  const base = (await readdir(directory)).filter((name) => name.startsWith('names-0'));
  const size = Math.max(...base.map((name) => statSync(join(directory, name)).size)) / (1 << 20);
  const now = { host: memory(host.proc?.pid), dnsdist: memory(dnsdist.proc.pid) };
  const words = JSON.stringify({ after, now, size });
  console.error(`MB of memory after one replacement and after three, beside a table of that size: ${words}`);
  assert.ok(size > 20, words);
  // What is freed may stay with the allocator for a while, but not one table more each time.
  assert.ok(now.dnsdist < after.dnsdist + size, words);
  assert.ok(now.host < after.host + 2 * size, words);
  await Promise.all([dnsdist.stop(), host.stop()]);
  await knot.stop();
});

test.run();
