// SPDX-License-Identifier: MPL-2.0
// The stores `etcd` and `etcd-gateway`, so that one test is passed by both.
import { test } from 'uvu';
import { type EtcdOptions, etcdStore, gatewayStore } from '../../../src/host/store/etcd.js';
import { grpcProtocol } from '../../../src/host/store/etcd-grpc.js';
import type { Protocol } from '../../../src/host/store/etcd-protocol.js';
import { gatewayProtocol } from '../../../src/host/store/gateway.js';
import type { Store } from '../../../src/host/store/store.js';
import type { Etcd } from './etcd.js';

export interface Kind {
  name: string;
  protocol: Protocol;
  /** With time-outs as they are by default, at the etcd that tests share. */
  shared: Store;
  /** A store of its own, with short time-outs. */
  store(endpoints: string[], options?: Partial<EtcdOptions>): Store;
}

export class Stores {
  readonly kinds: readonly Kind[];
  readonly #opened: Store[] = [];

  constructor(shared: Etcd) {
    const kind = (protocol: Protocol, open: (options: EtcdOptions) => Store): Kind => {
      const keep = (store: Store) => {
        this.#opened.push(store);
        return store;
      };
      return {
        name: protocol.name,
        protocol,
        shared: keep(open({ endpoints: shared.endpoints })),
        store: (endpoints, options = {}) =>
          keep(open({ endpoints, connectTimeout: 1, requestTimeout: 1, ...options })),
      };
    };
    this.kinds = [kind(grpcProtocol, etcdStore), kind(gatewayProtocol, gatewayStore)];
  }

  /** One test, passed by both at the same time (most of it is waiting); what fails says with which. */
  both(what: string, body: (kind: Kind) => Promise<void>): void {
    const one = async (each: Kind) => {
      try {
        await body(each);
      } catch (error) {
        if (error instanceof Error) error.message = `${each.name}: ${error.message}`;
        throw error;
      }
    };
    test(what, async () => {
      const results = await Promise.allSettled(this.kinds.map(one));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((each) => each.close()));
  }
}

/** Forgets everything before now; another test may have done so a moment ago. */
export async function compact(etcd: Etcd): Promise<void> {
  const revision = String(await etcd.revision());
  await etcd.call('kv/compaction', { revision }).catch((error: Error) => {
    if (!/has been compacted/.test(error.message)) throw error;
  });
}
