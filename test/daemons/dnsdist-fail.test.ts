// SPDX-License-Identifier: MPL-2.0
// What is not there never keeps dnsdist from starting and answers nobody SERVFAIL: `fail` holds, on every thread and for
// every query. What is written wrong is an error, with its name, at `--check-config` and at start.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ask } from './lib/dns.js';
import { type BridgeOptions, bridgeLibrary, bridgeLine, checkConfig, Dnsdist } from './lib/dnsdist.js';
import { Knot } from './lib/knot.js';
import { temporary } from './lib/workspace.js';

const threads = 3;
let knot: Knot;
test.before(async () => {
  knot = await Knot.start();
});
test.after(() => knot?.stop());

/** A directory as a host leaves it behind before its first generation. */
function empty(): string {
  const directory = join(temporary('tables'), 'tables');
  mkdirSync(directory);
  return directory;
}

function notALibrary(): string {
  const file = join(temporary('library'), 'libnnoe_dnsdist.so');
  writeFileSync(file, 'no ELF');
  return file;
}

const trouble: [string, () => BridgeOptions][] = [
  ['no library', () => ({ directory: empty(), library: '/nonexistent/libnnoe_dnsdist.so' })],
  ['a library that is none', () => ({ directory: empty(), library: notALibrary() })],
  ['no directory', () => ({ directory: join(temporary('tables'), 'none') })],
  ['a directory without tables', () => ({ directory: empty() })],
];

/** The rcodes of answers from all threads: the kernel chooses a thread by the client's port. */
async function rcodes(dnsdist: Dnsdist, count = 40): Promise<string[]> {
  const found = new Set<string>();
  for (let i = 0; i < count; i++) {
    const transport = i % 8 === 0 ? 'tcp' : 'udp';
    const reply = await ask(dnsdist, { name: `host${i}.example`, transport });
    found.add(reply?.rcode ?? `nothing over ${transport}, query ${i}`);
  }
  return [...found];
}

for (const [what, options] of trouble)
  for (const fail of ['open', 'closed'] as const)
    test(`${what}, fail ${fail}: ${fail === 'open' ? 'everything is let through' : 'everything is refused'}`, async () => {
      const dnsdist = await Dnsdist.start({
        server: knot,
        threads,
        lua: [bridgeLine({ ...options(), fail })],
      });
      assert.equal(await rcodes(dnsdist), [fail === 'open' ? 'NOERROR' : 'REFUSED']);
      const warnings = dnsdist.proc.output().match(/NNOE: .*/g) ?? [];
      assert.is(warnings.length, 1, warnings.join('\n'));
      assert.match(warnings[0] ?? '', fail === 'open' ? 'let through' : 'refused');
      assert.not.match(dnsdist.proc.output(), /failed inside lua|servfail/i);
      await dnsdist.stop();
    });

test('--check-config needs no host, and leaves nothing behind', () => {
  const directory = join(temporary('tables'), 'none');
  const decisions = temporary('decisions');
  const { status, output } = checkConfig([bridgeLine({ directory, decisions })]);
  assert.is(status, 0, output);
  assert.match(output, 'OK');
  assert.not.ok(existsSync(directory));
  assert.equal(readdirSync(decisions), []);
});

test('--check-config warns of a library that is not there, and is content', () => {
  const { status, output } = checkConfig([
    bridgeLine({ directory: '/nonexistent', library: '/nonexistent/libnnoe_dnsdist.so' }),
  ]);
  assert.is(status, 0, output);
  assert.match(output, /NNOE: .*\/nonexistent\/libnnoe_dnsdist\.so/);
});

const wrong: [string, string][] = [
  ['fail = "opne"', 'option fail: found "opne", expected "open" or "closed"'],
  ['', 'option fail: found nothing, expected "open" or "closed"'],
  ['fail = "open", directory = "tables"', 'option directory: found "tables", expected an absolute path'],
  ['fail = "open", sampling = 2', 'option sampling: found 2, expected a number from 0 to 1'],
  ['fail = "open", sampling = "all"', 'option sampling: found "all", expected a number from 0 to 1'],
  ['fail = "open", decisions = true', 'option decisions: found true, expected an absolute path, or false'],
  ['fail = "open", library = 7', 'option library: found 7, expected an absolute path'],
  ['fail = "open", directroy = "/x"', 'option directroy: found, but there are only directory, decisions,'],
];

for (const [options, message] of wrong)
  test(`an error of the configuration: ${options || 'no options'}`, () => {
    const file = bridgeLine({ directory: '/' }).split(')(')[0];
    const { status, output } = checkConfig([`${file})({ ${options} })`]);
    assert.is.not(status, 0);
    assert.match(output, message);
    assert.match(output, /\]:\d+: nnoe\.lua: /, 'with the line');
  });

test('the library is there for this test, or the others would show nothing', () => {
  assert.ok(existsSync(bridgeLibrary));
});

test.run();
