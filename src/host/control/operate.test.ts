// SPDX-License-Identifier: MPL-2.0
// What operators ask of a plugin over the control socket.
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { z } from 'zod';
import { ask } from '../../../test/lib/control-client.js';
import { refusal } from '../../../test/lib/control-shapes.js';
import { cleanUp, keeper, stage, temporary, until } from '../../../test/lib/host-stage.js';
import { NnoeError } from '../errors.js';
import { type AnyPlugin, definePlugin, type Operations, type Running } from '../plugin.js';
import { checkRunning } from '../supervisor/declarations.js';

test.after(cleanUp);

const operations: Operations = {
  report: (subject) => ({ about: subject ?? 'all' }),
  change: async (subject) => ({ changed: subject }),
  fail: () => {
    throw new Error('it is not the day for it');
  },
  refuse: () => {
    throw new NnoeError('STORE_INVALID', { store: 'memory', reason: 'no' });
  },
};

const plugin = (name: string, ready: () => Promise<void> = async () => undefined): AnyPlugin =>
  definePlugin({
    api: 1,
    name,
    stability: 'experimental',
    summary: 'For tests.',
    config: z.object({}),
    consumes: {},
    prefixes: {},
    metrics: {},
    async setup() {
      await ready();
      return { health: () => ({ state: 'ok' }), operations };
    },
  });

async function staged() {
  const socket = join(temporary(), 'host.sock');
  const never = () => new Promise<void>(() => undefined);
  const plugins = [plugin('able'), plugin('slow', never)];
  const { host } = await stage({ journals: {}, keepers: [keeper('mute')], plugins, socket });
  await until(() => host.health().plugins.able?.state === 'ok');
  const refused = async (method: string, path: string) => {
    const { status, body } = await ask(socket, method, path);
    const { error } = refusal.parse(body);
    return [status, error.code, error.message];
  };
  return { socket, refused };
}

test('a plugin is asked for its report, and to do what it offers', async () => {
  const { socket } = await staged();
  const body = async (method: string, path: string) => {
    const answer = await ask(socket, method, path);
    assert.is(answer.status, 200, answer.text);
    return answer.body;
  };
  assert.equal(await body('GET', '/v1/report?plugin=able'), { about: 'all' });
  assert.equal(await body('GET', '/v1/report?plugin=able&subject=one'), { about: 'one' });
  assert.equal(await body('POST', '/v1/operate?plugin=able&operation=change&subject=a%20b'), {
    changed: 'a b',
  });
});

test('what there is not is refused by name, what the plugin refuses in its words', async () => {
  const { refused } = await staged();
  assert.equal(await refused('GET', '/v1/report?plugin=abel'), [
    404,
    'CONTROL_REQUEST',
    'the request is refused: plugin: found "abel", expected one of mute, able, slow',
  ]);
  assert.equal(await refused('GET', '/v1/report?plugin=mute'), [
    404,
    'CONTROL_REQUEST',
    'the request is refused: operation: found "report", expected one, of which there is none',
  ]);
  assert.equal(await refused('POST', '/v1/operate?plugin=able&operation=toString'), [
    404,
    'CONTROL_REQUEST',
    'the request is refused: operation: found "toString", expected one of report, change, fail, refuse',
  ]);
  assert.equal(await refused('POST', '/v1/operate?plugin=able&operation=fail'), [
    409,
    'CONTROL_OPERATION',
    'plugin able refuses fail: it is not the day for it',
  ]);
  assert.is((await refused('POST', '/v1/operate?plugin=able&operation=refuse'))[1], 'STORE_INVALID');
  assert.equal(await refused('GET', '/v1/report?plugin=slow'), [
    503,
    'CONTROL_PLUGIN',
    'plugin slow does not run now',
  ]);
  assert.is((await refused('GET', '/v1/operate?plugin=able&operation=change'))[0], 405);
  assert.is((await refused('POST', '/v1/operate?plugin=able&what=change'))[0], 400);
});

test('an operation that is none is refused when the plugin starts', () => {
  const health = () => ({ state: 'ok' }) as const;
  for (const wrong of [{ Report: () => ({}) }, { report: 'text' }]) {
    const running = { health, operations: wrong } as unknown as Running;
    assert.throws(
      () => checkRunning(plugin('able'), running),
      (error: unknown) => error instanceof NnoeError && error.code === 'PLUGIN_INVALID',
    );
  }
});

test.run();
