// SPDX-License-Identifier: MPL-2.0
// Kea's high availability (libdhcp_ha.so) between two servers on loopback.
import type { JsonObject, Kea } from './kea.js';
import { until } from './process.js';

/**
 * Hot standby of the two named servers, the first being primary; times in ms, short enough for tests.
 * @param own what differs from that, by HA's own names.
 */
export function hotStandby(
  name: string,
  names: readonly [string, string],
  ports: readonly number[],
  own: JsonObject = {},
): JsonObject {
  const peers = names.map((peer, i) => ({
    name: peer,
    url: `http://127.0.0.1:${ports[i]}/`,
    role: i === 0 ? 'primary' : 'standby',
    'auto-failover': true,
  }));
  const threads = { 'http-dedicated-listener': true, 'http-listener-threads': 2, 'http-client-threads': 2 };
  const relationship = {
    'this-server-name': name,
    mode: 'hot-standby',
    'heartbeat-delay': 500,
    'max-unacked-clients': 0,
    'multi-threading': { 'enable-multi-threading': true, ...threads },
    peers,
    ...own,
  };
  return { 'high-availability': [relationship] };
}

/** Waits for a state of HA's machine, such as `hot-standby` or `partner-down`. */
export async function becomes(kea: Kea, wanted: string): Promise<void> {
  const state = async () => (await kea.command('ha-heartbeat')).state;
  await until(`HA state ${wanted}`, async () => (await state().catch(() => '')) === wanted, 20_000, 50);
}
