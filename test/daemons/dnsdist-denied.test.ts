// SPDX-License-Identifier: MPL-2.0
// Tables that dnsdist's user may not read, and a directory of decisions that it may not write: dnsdist starts, does what
// `fail` says, and its log has what stands in the way and who has to change what. What is mended counts at once.
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { closed, isRoot, nobody, remedy } from './lib/closed.js';
import { ask } from './lib/dns.js';
import { bridgeLine, Dnsdist } from './lib/dnsdist.js';
import { Knot } from './lib/knot.js';
import { until } from './lib/process.js';
import { temporary } from './lib/workspace.js';

/** Its own configuration it may read. */
const wrap = isRoot
  ? ['sh', '-c', `chmod a+rx .. && chmod -R a+rX . && exec ${nobody.join(' ')} "$@"`, 'sh']
  : [];

let knot: Knot;
test.before(async () => {
  knot = await Knot.start();
});
test.after(() => knot?.stop());

test('tables that may not be read', async () => {
  const directory = closed();
  const dnsdist = await Dnsdist.start({
    server: knot,
    wrap,
    lua: [bridgeLine({ directory, fail: 'closed' })],
  });
  assert.is((await ask(dnsdist, { name: 'a.example' }))?.rcode, 'REFUSED');
  const output = dnsdist.proc.output();
  assert.match(output, `nnoe: refused the tables in ${directory}: open ${directory}: Permission denied: `);
  assert.match(output, remedy(directory));
  assert.match(output, /NNOE: there are no tables to go by .* every query is refused until that is mended/);
  assert.is(output.split('Permission denied').length, 2, 'said once');
  await dnsdist.stop();
});

test('a directory of decisions that may not be written, until it may', async () => {
  const directory = join(temporary('tables'), 'none');
  const decisions = closed();
  const dnsdist = await Dnsdist.start({ server: knot, wrap, lua: [bridgeLine({ directory, decisions })] });
  const told = `decisions are counted, but the host is not told of them: open ${decisions}: Permission denied: `;
  await until('dnsdist to say so', async () => {
    assert.is((await ask(dnsdist, { name: 'a.example' }))?.rcode, 'NOERROR');
    return dnsdist.proc.output().includes(told);
  });
  assert.match(dnsdist.proc.output(), remedy(decisions));
  chmodSync(decisions, 0o777);
  await until('a file of decisions', () =>
    readdirSync(decisions).some((name) => name.endsWith('.decisions')),
  );
  await dnsdist.stop();
});

test('tables whose files may not be read, though their directory may', async () => {
  const directory = join(temporary('tables'), 'tables');
  chmodSync(dirname(directory), 0o755);
  mkdirSync(directory);
  const manifest = join(directory, 'manifest');
  writeFileSync(manifest, '');
  chmodSync(directory, 0o755);
  chmodSync(manifest, isRoot ? 0o600 : 0);
  const dnsdist = await Dnsdist.start({ server: knot, wrap, lua: [bridgeLine({ directory })] });
  assert.match(dnsdist.proc.output(), `manifest: Permission denied: ${manifest} is `);
  await dnsdist.stop();
});

test.run();
