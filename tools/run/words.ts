// SPDX-License-Identifier: MPL-2.0
// What `make run` tells: what runs where, and what to try next.
import { join } from 'node:path';
import type { Etcd } from '../../test/daemons/lib/etcd.js';
import { type Kea, keaVersion, tree } from '../../test/daemons/lib/kea.js';
import { run } from '../../test/daemons/lib/process.js';
import type { Running } from './plane.js';
import { dnsdistText, verdictSuggestions } from './verdicts.js';

const firstLine = (text: string): string => text.split('\n', 1)[0]?.trim() ?? '';

const kea = (server: Kea): string[] => {
  const host = server.family === 4 ? '127.0.0.1' : '[::1]';
  return [
    `kea-dhcp${server.family}`,
    `${host}:${server.port}`,
    String(server.proc?.pid),
    server.at.directory,
  ];
};

export function inventory({ etcd, keas, knot, dnsdist, host }: Running): string {
  const member = etcd?.member(0);
  const rows = [
    ['what', 'where', 'pid', 'files'],
    ...(member ? [['etcd', etcd?.endpoints[0] ?? '', String(member.proc?.pid), member.directory]] : []),
    ...keas.map(kea),
    ['knotd', `127.0.0.1:${knot.port}`, String(knot.proc.pid), knot.proc.log],
    ['dnsdist', `127.0.0.1:${dnsdist.port}`, String(dnsdist.proc.pid), dnsdist.configFile],
    ['nnoe host', `http://127.0.0.1:${host.port}/health`, String(host.proc?.pid), host.directory],
  ];
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const widths = [0, 1, 2, 3].map(width);
  return rows
    .map((row) => `  ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd())
    .join('\n');
}

function perfdhcp(server: Kea): string {
  const ports = `-l lo -N ${server.port} -L ${server.clientPort}`;
  return server.family === 4
    ? `perfdhcp -4 ${ports} -r 100 -R 500 -p 5 127.0.0.1`
    : `perfdhcp -6 -A 1 -e address-and-prefix ${ports} -r 100 -R 500 -p 5 ::1`;
}

const lookUp = ({ endpoints }: Etcd): [string, string][] => {
  const get = `etcdctl --endpoints ${endpoints[0]} get --prefix`;
  return [
    ['the leases as etcd holds them', `${get} /nnoe/dhcp/leases/`],
    ['everything that happened to them', `${get} /nnoe/dhcp/history/`],
  ];
};

export function suggestions({ etcd, keas, dnsdist, host }: Running): string {
  const nnoe = `node ${join(tree, 'dist/src/cli/nnoe.js')}`;
  const ask = `node ${join(tree, 'dist/tools/ask.js')}`;
  const [kea4, kea6] = keas;
  const commands: [string, string][] = [
    ...verdictSuggestions(dnsdist, host, nnoe),
    ['500 clients, 100 new ones a second', perfdhcp(kea4)],
    ['the same for v6, each with an address and a prefix', perfdhcp(kea6)],
    ['the leases in the store', `${nnoe} leases --socket ${host.socket}`],
    ...(etcd ? lookUp(etcd) : []),
    ['what is connected, who is behind, what is wrong', `${nnoe} status --socket ${host.socket}`],
    ['leases as they change', `${nnoe} leases --watch --socket ${host.socket}`],
    ['the journal, as the hook sees it', `${ask} ${kea4.at.socket} nnoe-status`],
    ["have Kea's lease database read again", `${nnoe} resync --socket ${host.socket}`],
    ['state, with reasons, and metrics', `curl http://127.0.0.1:${host.port}/health   # or /metrics`],
  ];
  return commands.map(([what, command]) => `  # ${what}\n  ${command}`).join('\n');
}

export function versions({ etcd }: Running): string {
  const version = etcd ? firstLine(run('etcd', ['--version'])).replace(/^etcd Version: /, ', etcd ') : '';
  return `Kea ${keaVersion().join('.')}, ${dnsdistText()}${version}, Node.js ${process.versions.node}`;
}
