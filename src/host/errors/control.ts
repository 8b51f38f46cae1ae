// SPDX-License-Identifier: MPL-2.0
// Errors of the control socket and who asks over it; see ../errors.ts.
import type { ErrorSpec } from './spec.js';

export const controlErrors = {
  CONTROL_ANSWER: {
    code: 'CONTROL_ANSWER',
    message: 'the answer on {socket} cannot be read: {reason}',
    help: 'What listens there is not a host of this release. Use the `nnoe` command that was installed together with the host, or name another socket with --socket.',
    retry: false,
    exit: 70,
  },
  CONTROL_BUSY: {
    code: 'CONTROL_BUSY',
    message: 'another host answers on the control socket {socket}',
    help: 'Stop the other one (`fuser` on the socket names it), or give this one a [control] socket of its own.',
    retry: true,
    exit: 75,
  },
  CONTROL_CUT: {
    code: 'CONTROL_CUT',
    message: 'the host cut the answer off',
    help: 'It was stopped or killed, has as many connections as it takes, or this command took nothing for minutes. Run the command again.',
    retry: true,
    exit: 75,
  },
  CONTROL_FAILED: {
    code: 'CONTROL_FAILED',
    message: 'the host could not answer: {reason}',
    help: 'A fault in the host. It goes on; please report it with the reason.',
    retry: true,
    exit: 70,
  },
  CONTROL_NO_JOURNAL: {
    code: 'CONTROL_NO_JOURNAL',
    message: 'there is no journal to have read again',
    help: 'The configuration of the host names no journal, so it knows of no Kea server. Add a [journal.dhcp4] or [journal.dhcp6] section with the directory that Kea’s hook writes, and start the host again.',
    retry: false,
    exit: 78,
  },
  CONTROL_NO_ROLES: {
    code: 'CONTROL_NO_ROLES',
    message: 'no plugin that is enabled publishes roles',
    help: 'The plugin `roles` does: see enabled in its section of the configuration.',
    retry: false,
  },
  CONTROL_OPERATION: {
    code: 'CONTROL_OPERATION',
    message: 'plugin {plugin} refuses {operation}: {reason}',
    help: 'The plugin says why in its own words; its README tells what may be asked of it. Nothing was changed unless the reason says so.',
    retry: false,
    exit: 70,
  },
  CONTROL_PLUGIN: {
    code: 'CONTROL_PLUGIN',
    message: 'plugin {plugin} does not run now',
    help: '`nnoe status` tells why: it is being set up, or it failed and is tried again. When it is not enabled, set enabled in its section and start the host again.',
    retry: true,
    exit: 75,
  },
  CONTROL_REQUEST: {
    code: 'CONTROL_REQUEST',
    message: 'the request is refused: {reason}',
    help: 'What may be asked over the control socket stands in src/host/control/api.ts; the `nnoe` command of the same release asks nothing else.',
    retry: false,
    exit: 70,
  },
  CONTROL_SOCKET: {
    code: 'CONTROL_SOCKET',
    message: 'cannot serve the control socket {socket}: {reason}',
    help: 'Leases are kept all the same, but `nnoe status` and the like cannot reach the host. Make its directory and let the user of the host write there, or set [control] socket; an empty text has none. It is tried again every few seconds.',
    retry: true,
  },
  CONTROL_STOPPING: {
    code: 'CONTROL_STOPPING',
    message: 'the host stops',
    help: 'It was told to. Run the command again when it is back.',
    retry: true,
    exit: 75,
  },
  CONTROL_STORE: {
    code: 'CONTROL_STORE',
    message: 'the store {store} did not answer within {seconds} s: {reason}',
    help: 'Leases are read from the store, which is away or slow; `nnoe status` says what is wrong with it. Nothing is lost meanwhile.',
    retry: true,
    exit: 75,
  },
  CONTROL_STREAMS: {
    code: 'CONTROL_STREAMS',
    message: 'there are {count} streams over the control socket already, which is the most',
    help: 'Each `nnoe leases` and `nnoe resync` that runs is one. End one of them, such as a listing that waits in a pager.',
    retry: true,
    exit: 75,
  },
  CONTROL_UNREACHABLE: {
    code: 'CONTROL_UNREACHABLE',
    message: 'no host answers on {socket}: {reason}',
    help: 'Start it with `nnoe host` (or `systemctl start nnoe`). When it runs with another [control] socket, name that with --socket, NNOE_CONTROL_SOCKET, or the same --config.',
    retry: true,
    exit: 69,
  },
  CONTROL_WAITED: {
    code: 'CONTROL_WAITED',
    message: 'not complete after {seconds} s: {sources}',
    help: 'The walk stays owed and is remembered on disk. It begins when Kea runs with the hook; `nnoe status` tells how far it is.',
    retry: true,
    exit: 75,
  },
} as const satisfies Record<string, ErrorSpec>;
