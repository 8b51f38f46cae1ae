// SPDX-License-Identifier: MPL-2.0
// The examples in READMEs do what they say: the host takes every section of its configuration, a real Kea loads
// the hook as it is told to, every plugin compiles and runs. (docs/plugins.md: test/contract/guide.test.ts.)
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import firstSeen from '../../examples/nnoe-plugin-first-seen/src/first-seen.js';
import type { AnyPlugin } from '../../src/host/plugin.js';
import { harness, hwaddr, ipv4, Operation } from '../../src/host/testing.js';
import { plugins } from '../../src/plugins/plugins.js';
import { type JsonObject, Kea } from '../daemons/lib/kea.js';
import { files, text } from '../house/lib/tree.js';
import { parseConfig } from '../lib/host-stage.js';
import { link, run, temporary } from '../lib/npm.js';
import { tree } from '../lib/tree.js';

interface Block {
  /** `README.md, line 26` */
  place: string;
  body: string;
}

function blocks(language: string): Block[] {
  return files
    .filter(
      (file) => file.endsWith('.md') && file !== 'docs/plugins.md' && !file.startsWith('docs/reference/'),
    )
    .flatMap((file) =>
      [...text(file).matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(
        (match) => ({
          place: `${file}, line ${text(file).slice(0, match.index).split('\n').length}`,
          body: match[1] ?? '',
        }),
      ),
    );
}

test('there are examples of each kind', () => {
  for (const language of ['toml', 'json', 'ts']) assert.ok(blocks(language).length > 0, language);
});

for (const { place, body } of blocks('toml'))
  test(`${place}: the host takes this configuration`, () => {
    // Where a plugin comes from is third-party.test.ts's business.
    const config = parseConfig(body.replace(/^package = .*$/gm, ''), [...plugins, firstSeen], place);
    for (const name of [...body.matchAll(/^\[(?:plugins|journal)\.([\w-]+)\]$/gm)].map(
      (match) => match[1] ?? '',
    ))
      assert.ok(name in config.plugins || name in config.journal, name);
  });

for (const { place, body } of blocks('json')) {
  const loads = body.includes('hooks-libraries');
  test(`${place}: ${loads ? 'Kea loads the hook so' : 'is JSON'}`, async () => {
    const whole = JSON.parse(body.trimStart().startsWith('{') ? body : `{${body}}`) as JsonObject;
    if (!loads) return;
    const kea = await Kea.create({ family: 4 });
    // The same words, with the places of this test.
    const placed = JSON.stringify(whole['hooks-libraries'])
      .replace(/"library":"[^"]*"/, `"library":"${join(kea.at.hooks, 'libdhcp_etcd.so')}"`)
      .replace(/"journal-directory":"[^"]*"/, `"journal-directory":"${kea.at.journal}"`);
    const config = kea.config();
    const server = config.Dhcp4 as JsonObject;
    kea.writeConfig({ ...config, Dhcp4: { ...server, 'hooks-libraries': JSON.parse(placed) } });
    await kea.start();
    const { journal } = await kea.command('nnoe-status');
    assert.is((journal as JsonObject).writable, true);
    assert.ok(existsSync(kea.at.journal));
    await kea.stop();
  });
}

for (const { place, body } of blocks('ts'))
  test(`${place}: this plugin compiles, and takes leases`, async () => {
    const home = temporary('readme');
    mkdirSync(join(home, 'node_modules'));
    symlinkSync(tree, join(home, 'node_modules/nnoe'));
    link(home, '@types/node');
    writeFileSync(join(home, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(home, 'plugin.ts'), body);
    const options = ['--module', 'nodenext', '--target', 'es2022', '--types', 'node', '--strict'];
    run(home, join(tree, 'node_modules/.bin/tsc'), ...options, 'plugin.ts');
    const built = pathToFileURL(join(home, 'plugin.js')).href;
    const { default: plugin } = (await import(built)) as { default: AnyPlugin };
    const h = await harness(plugin);
    const address = ipv4('192.0.2.1');
    await h.emit('lease', { operation: Operation.ASSIGN, address, hwaddr: hwaddr('02:00:00:00:00:aa') });
    assert.is(h.health().state, 'ok');
    assert.is(Object.keys(h.store.dump()).length, 1);
    await h.stop();
  });

test.run();
