// SPDX-License-Identifier: MPL-2.0
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'uvu';
import { open } from '../../../test/lib/control-client.js';
import { cleanUp, temporary, until } from '../../../test/lib/host-stage.js';
import { Lines } from './lines.js';

test.after(cleanUp);

test('a reader that does not take the end is cut, too', async () => {
  const made: Lines[] = [];
  const server = createServer(async (_, response) => {
    const lines = new Lines(response, 150);
    made.push(lines);
    // Until what is on its way is full, and less than what makes writing wait is left.
    for (let at = 0; response.writableLength === 0; at++) {
      await lines.write(`${at} ${'x'.repeat(1000)}\n`);
      await wait(1);
    }
    if (made.length === 1) lines.end();
    else lines.fail(new Error('the end'));
  });
  const socket = join(temporary(), 'lines.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  for (const nth of [1, 2]) {
    const response = await open(socket, 'GET', '/');
    response.pause();
    await until(() => made[nth - 1]?.signal.aborted === true, 5000);
    response.on('error', () => undefined).destroy();
  }
  await new Promise((resolve) => server.close(resolve));
});

test.run();
