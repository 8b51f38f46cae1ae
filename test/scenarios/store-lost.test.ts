// SPDX-License-Identifier: MPL-2.0
// A store that is lost, or put back from a backup, while the host is stopped: the host notices at its start and has
// Kea's leases read again, without being told. Kea does not walk by itself here.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { EmbeddedView } from '../daemons/lib/embedded-view.js';
import { Etcd } from '../daemons/lib/etcd.js';
import { sameLeases } from '../daemons/lib/exact.js';
import { readLeases, type StoreView } from '../daemons/lib/history.js';
import { Host, type HostOptions } from '../daemons/lib/host.js';
import { Kea } from '../daemons/lib/kea.js';
import { load } from '../daemons/lib/perfdhcp.js';
import { drained } from '../daemons/lib/plane.js';
import { until } from '../daemons/lib/process.js';

class Scene {
  private constructor(
    readonly keas: Kea[],
    readonly host: Host,
  ) {}

  static async start(families: (4 | 6)[], options: Partial<HostOptions>): Promise<Scene> {
    const keas = await Promise.all(
      families.map((family) => Kea.start({ family, threads: 0, hook: { 'snapshot-on-start': false } })),
    );
    const journals = Object.fromEntries(
      keas.map((kea) => [`dhcp${kea.family}`, { directory: kea.at.journal, family: kea.family }]),
    );
    return new Scene(keas, await Host.start({ journals, ...options }));
  }

  /** Clients come, renew and go. */
  async traffic(): Promise<void> {
    const mix = { rate: 100, clients: 80, renews: 30, releases: 30, seconds: 1 } as const;
    for (const report of await Promise.all(this.keas.map((kea) => load(kea, mix).finished())))
      assert.is(report.drops, 0, JSON.stringify(report.exchanges));
  }

  async drained(): Promise<void> {
    await Promise.all(this.keas.map((kea) => drained(kea)));
  }

  /** When it says that it is ready, the walks that were owed have been read; when drained, they are in the store. */
  async ready(): Promise<void> {
    const probe = async () => (await this.host.ready())?.status === 200;
    await until('the host to be ready', probe, 30_000, 50);
    await this.drained();
  }

  /** The store holds what Kea holds. */
  async same(view: StoreView): Promise<void> {
    for (const { family, at } of this.keas) {
      const count = await sameLeases({ etcd: view, kea: () => this.#kea(family) }, family);
      assert.ok(count > 10, `${count} leases in ${at.csv}`);
    }
  }

  #kea(family: 4 | 6): Kea {
    return this.keas.find((kea) => kea.family === family) as Kea;
  }

  /** What the host said since its last start. */
  said(code: string): number {
    return (this.host.proc?.output() ?? '').split(`"code":"${code}"`).length - 1;
  }

  async stop(): Promise<void> {
    await this.host.stop();
    await Promise.all(this.keas.map((kea) => kea.stop()));
  }
}

async function embedded<T>(scene: Scene, look: (view: StoreView) => Promise<T>): Promise<T> {
  const view = new EmbeddedView(scene.host.storeDirectory);
  try {
    return await look(view);
  } finally {
    await view.close();
  }
}

test('the embedded store is removed, then put back as it was before', async () => {
  const scene = await Scene.start([4], {});
  const { host } = scene;
  const backup = join(host.directory, 'backup');
  await scene.traffic();
  await scene.drained();
  await host.stop();
  cpSync(host.storeDirectory, backup, { recursive: true });
  // Some leases end and others begin while nobody writes them anywhere but into the journal.
  await scene.traffic();
  rmSync(host.storeDirectory, { recursive: true });
  await host.start();
  await scene.ready();
  assert.is(scene.said('SOURCE_STORE_LOST'), 1);
  await embedded(scene, (view) => scene.same(view));

  await scene.traffic();
  await scene.drained();
  await host.stop();
  rmSync(host.storeDirectory, { recursive: true });
  cpSync(backup, host.storeDirectory, { recursive: true });
  await host.start();
  await scene.ready();
  assert.is(scene.said('SOURCE_STORE_LOST'), 1);
  // What ended since the backup does not come back.
  const same = () => embedded(scene, (view) => scene.same(view)).then(() => true);
  await until('what Kea no longer has to be gone', () => same().catch(() => false), 15_000, 200);
  await same();

  await host.kill();
  await host.start();
  await scene.ready();
  assert.is(scene.said('SOURCE_STORE_LOST'), 0, 'a kill loses nothing');
  await scene.stop();
});

test('etcd comes back empty, with the id of before, and another node fills it first', async () => {
  const etcd = await Etcd.start();
  const scene = await Scene.start([4, 6], { endpoints: etcd.endpoints });
  await scene.traffic();
  await scene.drained();
  await scene.host.stop();
  const revision = await etcd.revision();
  await etcd.killMember(0);
  rmSync(join(etcd.member(0).directory, 'data'), { recursive: true });
  etcd.startMember(0);
  await etcd.ready();
  while ((await etcd.revision()) <= revision) await etcd.put('/nnoe/dhcp/scopes/1', '{}');
  await scene.host.start();
  await scene.ready();
  assert.is(scene.said('SOURCE_STORE_LOST'), 2, 'said for each journal');
  await scene.same(etcd);
  assert.ok((await readLeases(etcd, 6)).size > 0);
  await scene.stop();
  await etcd.stop();
});

test.run();
