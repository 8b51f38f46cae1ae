// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { grpcProtocol } from './etcd-grpc.js';

test('a call whose signal has aborted already is not made', async () => {
  const member = grpcProtocol.member('http://127.0.0.1:1', { tls: {}, silence: 5000 });
  const reason = new Error('given up');
  const { path, body } = grpcProtocol.range({ key: '/' });
  const options = { token: undefined, timeout: 5000, signal: AbortSignal.abort(reason) };
  const thrown = await member.call(path, body, options).catch((error: unknown) => error);
  assert.is(thrown, reason);
  assert.not(member.connected);
  member.close();
});

test.run();
