// SPDX-License-Identifier: MPL-2.0
// Small things that the host does all day, beside other ways of doing them with the same result.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { LRUCache } from 'lru-cache';
import protobuf from 'protobufjs';
import type { LeasedOperation } from '../../src/host/store/etcd-protocol.js';
import { encodeTxn } from '../../src/host/store/etcd-wire.js';
import { cycle, type Ways } from './side-by-side.js';
import { random } from './stats.js';

/** As the plugin `policies` keeps them: so many, for so many ms. */
export const ANSWERS = 20_000;
const KEEP = 30_000;
export const KEYS = 100_000;
const LOOKUPS = 1 << 17;

interface Cache {
  get(key: string): number | undefined;
  set(key: string, value: number): unknown;
}

/** What a Map's order of insertion is good for: the oldest is first, whatever is read goes to the end. */
class MapCache implements Cache {
  readonly #map = new Map<string, number>();

  get(key: string): number | undefined {
    const value = this.#map.get(key);
    if (value === undefined) return undefined;
    this.#map.delete(key);
    this.#map.set(key, value);
    return value;
  }

  set(key: string, value: number): void {
    if (this.#map.size === ANSWERS) this.#map.delete(this.#map.keys().next().value as string);
    this.#map.set(key, value);
  }
}

/** Keys as the plugin `policies` has them for what Cerbos answered; few are asked for often. */
function askedKeys(seed: number): string[] {
  const next = random(seed);
  return Array.from({ length: LOOKUPS }, () => {
    const rank = Math.floor(KEYS ** next());
    return JSON.stringify(['["default"]', `www.domain${rank}.example`, 'A', '192.0.2.7', []]);
  });
}

const lookUp = (cache: Cache, key: string): boolean => {
  if (cache.get(key) !== undefined) return true;
  cache.set(key, 1);
  return false;
};

/** @throws Error when one evicts something else than the other. */
export function cacheWays(seed: number): Ways {
  const keys = askedKeys(seed);
  const make: Record<string, () => Cache> = {
    'lru-cache': () => new LRUCache<string, number>({ max: ANSWERS, ttl: KEEP }),
    'a Map': () => new MapCache(),
  };
  const hits = Object.entries(make).map(([name, made]) => {
    const cache = made();
    return { name, hits: keys.map((key) => Number(lookUp(cache, key))).join('') };
  });
  if (hits[0]?.hits !== hits[1]?.hits) throw new Error('the two caches keep different answers');
  return Object.fromEntries(
    Object.entries(make).map(([name, made]) => {
      const [cache, next] = [made(), cycle(keys)];
      return [name, () => lookUp(cache, next())];
    }),
  );
}

export const OPERATIONS = 128;

function leaseOperations(): LeasedOperation[] {
  return Array.from({ length: OPERATIONS }, (_, i) => ({
    put: `/nnoe/dhcp/leases/10.0.0.${i}`,
    value: JSON.stringify({ ip: `10.0.0.${i}`, mac: '02:00:00:00:00:01', hostname: `host-${i}`, state: 0 }),
  }));
}

/** The same transaction by protobufjs with the .proto files that npm etcd3 ships. */
function protobufTxn(): (operations: readonly LeasedOperation[]) => Uint8Array {
  const protos = join(dirname(createRequire(import.meta.url).resolve('etcd3')), '..', 'proto');
  const root = new protobuf.Root().loadSync(join(protos, 'rpc.proto'), { keepCase: true });
  const type = root.lookupType('etcdserverpb.TxnRequest');
  const bytes = (value: string | Buffer) => (typeof value === 'string' ? Buffer.from(value) : value);
  return (operations) =>
    type
      .encode({
        success: operations.map((each) =>
          'put' in each
            ? { request_put: { key: Buffer.from(each.put), value: bytes(each.value) } }
            : { request_delete_range: { key: Buffer.from(each.delete) } },
        ),
      })
      .finish();
}

/** @throws Error when the bytes are not the same. */
export function transactionWays(): Ways {
  const operations = leaseOperations();
  const byProtobuf = protobufTxn();
  const ways = {
    'encoder of the store': () => encodeTxn([], operations),
    protobufjs: () => byProtobuf(operations),
  };
  if (!ways['encoder of the store']().equals(ways.protobufjs()))
    throw new Error('protobufjs encodes a transaction otherwise');
  return ways;
}
