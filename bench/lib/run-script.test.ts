// SPDX-License-Identifier: MPL-2.0
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from '../../test/daemons/lib/process.js';
import { assertTold } from './hook-cost.js';
import { RunScript } from './run-script.js';
import { cycle } from './side-by-side.js';

test('the script writes down committed leases, and nothing else', () => {
  const script = new RunScript();
  const path = script.hook.parameters?.name as string;
  const lease = { LEASES4_AT0_ADDRESS: '10.0.0.7', LEASES4_AT0_HWADDR: '02:00:00:00:00:07' };
  run(path, ['leases4_committed'], lease);
  run(path, ['lease4_expire'], { LEASES4_AT0_ADDRESS: '10.0.0.8' });
  run(path, ['leases4_committed'], { ...lease, LEASES4_AT0_ADDRESS: '10.0.0.9' });
  assert.equal(script.addresses(), ['10.0.0.7', '10.0.0.9']);
});

test('a lease that nobody was told of, or that was never given, fails a comparison', () => {
  assertTold(['10.0.0.1', '10.0.0.2'], ['10.0.0.2', '10.0.0.1', '10.0.0.1']);
  assert.throws(() => assertTold(['10.0.0.1', '10.0.0.2'], ['10.0.0.1']), /1 leases untold.*10\.0\.0\.2/);
  assert.throws(() => assertTold(['10.0.0.1'], ['10.0.0.1', '10.0.0.3']), /never given.*10\.0\.0\.3/);
});

test('a cycle begins again after its last', () => {
  const next = cycle([1, 2]);
  assert.equal([next(), next(), next()], [1, 2, 1]);
});

test.run();
