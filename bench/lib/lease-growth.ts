// SPDX-License-Identifier: MPL-2.0
// A host and an etcd that hold more and more leases, looked at between.
import { join } from 'node:path';
import { Etcd } from '../../test/daemons/lib/etcd.js';
import { Host } from '../../test/daemons/lib/host.js';
import { temporary } from '../../test/daemons/lib/workspace.js';
import { Feed } from './feed.js';
import { counted } from './populated.js';
import { cpuSeconds, memory } from './process.js';
import { arrived, complete } from './progress.js';

export interface LeaseStep {
  leases: number;
  /** Bytes that etcd's database uses. */
  database: number;
  /** MB */
  etcdResident: number;
  /** MB */
  hostAnonymous: number;
  /** s of processor time of etcd so far. */
  etcdSeconds: number;
}

const pidOf = (what: string, pid: number | undefined): number => {
  if (pid === undefined) throw new Error(`${what} does not run`);
  return pid;
};

/** @param sizes ascending */
export async function leaseGrowth(
  sizes: readonly number[],
  say: (leases: number) => void,
): Promise<LeaseStep[]> {
  const directory = join(temporary('journal'), 'dhcp4');
  const etcd = await Etcd.start({ args: ['--quota-backend-bytes', String(8 * 2 ** 30)] });
  const feed = await Feed.open(directory);
  await feed.emptyWalk(directory);
  const host = await Host.start({
    journals: { dhcp4: { directory, family: 4 } },
    plugins: { leases: {} },
    endpoints: etcd.endpoints,
  });
  const steps: LeaseStep[] = [];
  for (const leases of sizes) {
    const before = steps.at(-1)?.leases ?? 0;
    await feed.send(before, leases - before, false);
    await arrived(etcd, leases - 1, 300_000);
    await complete(etcd, leases);
    await counted(host, leases);
    const { dbSizeInUse } = await etcd.call('maintenance/status', {});
    const pid = pidOf('etcd', etcd.member(0).proc?.pid);
    steps.push({
      leases,
      database: Number(dbSizeInUse),
      etcdResident: memory(pid).resident,
      hostAnonymous: memory(pidOf('the host', host.proc?.pid)).anonymous,
      etcdSeconds: cpuSeconds(pid),
    });
    say(leases);
  }
  await host.stop();
  await feed.close();
  await etcd.stop();
  return steps;
}
