// SPDX-License-Identifier: MPL-2.0
// The examples of native/dnsdist-bridge/README.md, as they stand but for paths, in the dnsdist that is installed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ask } from './lib/dns.js';
import { bridgeDirectory, bridgeLibrary, checkConfig, Dnsdist, dnsdistVersion } from './lib/dnsdist.js';
import { tree } from './lib/kea.js';
import { Knot } from './lib/knot.js';
import { blocked, Tables } from './lib/tables.js';

const document = readFileSync(join(tree, 'native/dnsdist-bridge/README.md'), 'utf8');
const tables = Tables.open();

const local = (example: string) =>
  example
    .replaceAll('/usr/share/nnoe', bridgeDirectory)
    .replaceAll('/var/lib/nnoe/tables', tables.directory)
    .replaceAll('fail = "open"', `fail = "open", decisions = false, library = "${bridgeLibrary}"`);

const blocks = (language: string): string[] =>
  [...document.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map((match) =>
    local(match[1] ?? ''),
  );
const [line = '', companion = ''] = blocks('lua');
const [yaml = ''] = blocks('yaml');
const yamlIsRead = dnsdistVersion()[0] >= 2;

let knot: Knot;
test.before(async () => {
  await tables.publish(...blocked('nxdomain', 'nxdomain'));
  knot = await Knot.start();
});
test.after(async () => {
  await knot?.stop();
  await tables.close();
});

async function decides(dnsdist: Dnsdist): Promise<void> {
  for (let i = 0; i < 20; i++) {
    assert.is((await ask(dnsdist, { name: 'www.nxdomain.example' }))?.rcode, 'NXDOMAIN');
    assert.is((await ask(dnsdist, { name: 'www.example' }))?.answers[0]?.data, '198.51.100.1');
  }
  assert.not.match(dnsdist.proc.output(), /NNOE|nnoe:/);
}

test('the line for dnsdist.conf', async () => {
  assert.is(checkConfig([line]).status, 0);
  const dnsdist = await Dnsdist.start({ server: knot, lua: [line], threads: 2 });
  await decides(dnsdist);
  await dnsdist.stop();
});

if (yamlIsRead) {
  test('the configuration in YAML, with and without the Lua beside it', async () => {
    for (const beside of [companion, undefined]) {
      const dnsdist = await Dnsdist.start({
        server: knot,
        threads: 2,
        yaml,
        ...(beside && { lua: [beside] }),
      });
      await decides(dnsdist);
      await dnsdist.stop();
    }
  });

  test('in YAML, a wrong option in the Lua beside it is an error of the configuration', async () => {
    const { status, output } = checkConfig([companion.replace('"open"', '"opne"')], yaml);
    assert.is.not(status, 0);
    assert.match(output, 'option fail: found');
  });

  for (const [wrong, expected] of [
    ['fail = "opne"', 'REFUSED'],
    ['fail = "open", sampling = 2', 'NOERROR'],
    ['fail = "closed", sampling = 2', 'REFUSED'],
  ] as const)
    test(`in YAML, a thread with ${wrong} does what fail says, and tells`, async () => {
      const code = yaml.replace(/fail = "open"/, wrong);
      const dnsdist = await Dnsdist.start({ server: knot, threads: 2, yaml: code });
      for (let i = 0; i < 20; i++) assert.is((await ask(dnsdist, { name: 'www.example' }))?.rcode, expected);
      assert.match(dnsdist.proc.output(), /NNOE: nnoe\.lua: option/);
      await dnsdist.stop();
    });
} else {
  test('a dnsdist that reads no YAML says so', () => {
    assert.is.not(checkConfig([], yaml).status, 0);
  });
}

test.run();
