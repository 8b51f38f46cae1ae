// SPDX-License-Identifier: MPL-2.0
// A real authoritative server, Knot DNS, with one small zone: every name below it exists.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, type Server } from './dns.js';
import { freePort } from './ports.js';
import { type Proc, start, until, waitPort } from './process.js';
import { temporary } from './workspace.js';

export interface KnotOptions {
  /** Default `example`. */
  zone?: string;
  /** Records of the zone besides SOA and NS, one a line. */
  records?: string[];
}

export class Knot implements Server {
  readonly address = '127.0.0.1';

  private constructor(
    readonly port: number,
    readonly proc: Proc,
  ) {}

  static async start({ zone = 'example', records = ['* 300 A 198.51.100.1'] }: KnotOptions = {}) {
    const directory = temporary('knot');
    const port = await freePort();
    writeFileSync(join(directory, 'zone'), zoneFile(zone, records));
    writeFileSync(join(directory, 'knot.conf'), configuration(directory, port, zone));
    const command = ['/usr/sbin/knotd', '/usr/bin/knotd'].find((path) => existsSync(path));
    if (!command) throw new Error('knotd is not installed (Debian package knot)');
    const args = ['-c', join(directory, 'knot.conf')];
    const proc = start({ name: 'knotd', command, args, directory });
    const knot = new Knot(port, proc);
    await waitPort(port);
    // It listens before it has loaded its zone.
    for (const transport of ['udp', 'tcp'] as const) {
      const serves = async () =>
        (await ask(knot, { name: zone, type: 'SOA', transport }))?.rcode === 'NOERROR';
      await until(`knotd to serve ${zone} over ${transport}`, serves);
    }
    return knot;
  }

  async stop(): Promise<void> {
    await this.proc.stop();
  }
}

const zoneFile = (zone: string, records: string[]): string =>
  [
    `$ORIGIN ${zone}.`,
    '@ 300 SOA ns hostmaster 1 3600 1200 604800 300',
    '@ 300 NS ns',
    'ns 300 A 127.0.0.1',
    ...records,
    '',
  ].join('\n');

const configuration = (directory: string, port: number, zone: string): string =>
  `server:
  rundir: "${directory}"
  listen: [ 127.0.0.1@${port} ]
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "${directory}"
log:
  - target: stderr
    any: warning
zone:
  - domain: ${zone}
    file: "${join(directory, 'zone')}"
    zonefile-load: whole
    journal-content: none
`;
