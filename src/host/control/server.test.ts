// SPDX-License-Identifier: MPL-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cleanUp, temporary } from '../../../test/lib/host-stage.js';
import { createLogger } from '../log.js';
import { MemoryStore } from '../testing.js';
import { ControlServer } from './server.js';

test.after(cleanUp);

test('closed while it opens, it leaves no socket behind', async () => {
  const socket = join(temporary(), 'host.sock');
  const unused = () => assert.unreachable();
  const target = { root: '/nnoe', store: new MemoryStore(), sources: [], status: unused, plugins: unused };
  const server = new ControlServer({ socket, target: target as never, log: createLogger('silent') });
  const opened = server.open();
  await server.close();
  await opened;
  assert.not(existsSync(socket));
  await server.open();
  assert.not(existsSync(socket), 'nor opens later');
});

test.run();
