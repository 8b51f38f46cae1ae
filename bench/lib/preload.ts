// SPDX-License-Identifier: MPL-2.0
// A lease database that is already large when Kea starts: memfile's CSV, written before.
import { closeSync, openSync, writeSync } from 'node:fs';
import type { JsonObject } from '../../test/daemons/lib/kea-config.js';

/** Columns of Kea 2.2; later ones read it and add theirs. */
const HEADER =
  'address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context';

/** Preloaded leases lie in 10.0.0.0 to 10.127.255.255, what clients get meanwhile in 10.128.0.0 and up. */
export const preloadedSubnet: JsonObject = {
  id: 1,
  subnet: '10.0.0.0/8',
  pools: [{ pool: '10.128.0.1-10.159.255.254' }],
  relay: { 'ip-addresses': ['127.0.0.1'] },
};

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

function line(i: number, expire: number): string {
  const address = `10.${(i >> 16) & 0x7f}.${(i >> 8) & 0xff}.${i & 0xff}`;
  const mac = (hex(i, 8).match(/../g) as string[]).join(':');
  return `${address},02:4b:${mac},01:02:4b:${mac},86400,${expire},1,0,0,host-${hex(i, 8)},0,\n`;
}

/** Leases that end a day from now, so that none expires under the measurement. */
export function writeLeases(file: string, count: number): void {
  const expire = Math.floor(Date.now() / 1000) + 86_400;
  const fd = openSync(file, 'w');
  writeSync(fd, `${HEADER}\n`);
  const STEP = 10_000;
  for (let at = 1; at <= count; at += STEP) {
    const last = Math.min(count, at + STEP - 1);
    writeSync(fd, Array.from({ length: last - at + 1 }, (_, k) => line(at + k, expire)).join(''));
  }
  closeSync(fd);
}
