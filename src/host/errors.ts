// SPDX-License-Identifier: MPL-2.0
// Every error an operator can meet, as a table: a stable code, one line, and what to do about it. Sorted by
// subject, then code. `{name}` in a message is replaced by the detail of that name.

export interface ErrorSpec {
  code: string;
  /** One line. */
  message: string;
  /** A paragraph for the operator: what it means and what to do. */
  help: string;
  /** Whether trying again without a change can succeed. */
  retry: boolean;
  /** Status of the process when it ends because of this; see `exitCode`. */
  exit?: number;
}

export const errors = {
  CONFIG_INVALID: {
    code: 'CONFIG_INVALID',
    message: 'the configuration is refused, with {count}:\n{faults}',
    help: 'Each line says where (file:line:column, a variable or a flag), which key, what stands there and what was expected. Every fault is listed at once; correct them and start again. Nothing was started. `nnoe config reference KEY` explains a key.',
    retry: false,
    exit: 78,
  },
  CONFIG_MISSING: {
    code: 'CONFIG_MISSING',
    message: 'cannot read the configuration {file}: {reason}',
    help: 'Name the file with --config, and check that the user the host runs as may read it.',
    retry: false,
    exit: 78,
  },
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
  CREDENTIAL_ABSENT: {
    code: 'CREDENTIAL_ABSENT',
    message: 'there is no credential {name}: {reason}',
    help: 'credential:NAME is a file that systemd gives to the service, with LoadCredential=NAME:/path or SetCredentialEncrypted= in its unit. Outside of the service it cannot be read; name a file by its path instead.',
    retry: false,
    exit: 78,
  },
  HOST_STOP_TIMEOUT: {
    code: 'HOST_STOP_TIMEOUT',
    message: 'stopping took longer than {seconds} s; what was outstanding is given up',
    help: 'Cursors stand at the last batch that was done, so nothing is lost: the rest is delivered again at the next start. It happens when the store does not answer; raise [stop] deadline if it is only slow.',
    retry: true,
    exit: 75,
  },
  HOST_UNHANDLED: {
    code: 'HOST_UNHANDLED',
    message: 'unexpected {what}: {reason}',
    help: 'A fault in the host or in a plugin outside of anything it awaits. The host stops, because its state is no longer known; the service manager starts it again and delivery goes on from the cursors. Please report it with the log line.',
    retry: true,
    exit: 70,
  },
  HTTP_LISTEN: {
    code: 'HTTP_LISTEN',
    message: 'cannot listen on {address}: {reason}',
    help: 'Another process holds the port, or the address is not this machine’s. Change [http] listen, or set it to an empty text to have no HTTP server.',
    retry: false,
    exit: 78,
  },
  JOURNAL_ABSENT: {
    code: 'JOURNAL_ABSENT',
    message: 'no journal in {directory} yet',
    help: 'The Kea hook creates the journal when Kea loads it. Check that libdhcp_etcd.so stands in hooks-libraries and that its journal-directory is this one; Kea logs NNOE_JOURNAL_OPENED when it does.',
    retry: true,
  },
  JOURNAL_BUSY: {
    code: 'JOURNAL_BUSY',
    message: 'another host reads the journal in {directory}',
    help: 'Two hosts would move the same cursors. Stop the other one; `fuser` on the lock file in that directory names it.',
    retry: true,
    exit: 75,
  },
  JOURNAL_CLOSED: {
    code: 'JOURNAL_CLOSED',
    message: 'the journal in {directory} was used after it had been closed',
    help: 'A fault in the host: it opens the journal again and goes on from the cursors, so nothing is lost. Please report it with the log lines before it.',
    retry: true,
  },
  JOURNAL_CURSOR: {
    code: 'JOURNAL_CURSOR',
    message: 'cannot keep the position of {consumer} in {directory}: {reason}',
    help: 'Delivery goes on, but after a restart it begins again at the last position that could be written, and the journal cannot let go of what lies after it. Usually the disk is full or its permissions changed.',
    retry: true,
  },
  JOURNAL_DENIED: {
    code: 'JOURNAL_DENIED',
    message: 'no permission on the journal in {directory}: {reason}',
    help: 'The host needs to read the directory and to write its cursors and doorbell. Put the user of the host into the group of Kea, or set the group of the directory. Kea keeps answering and keeps journaling meanwhile.',
    retry: true,
  },
  JOURNAL_IO: {
    code: 'JOURNAL_IO',
    message: 'the journal in {directory} cannot be read: {reason}',
    help: 'The system refused to open or map a file of the journal. The host tries again every few seconds; the reason names the file and the fault.',
    retry: true,
  },
  JOURNAL_VERSION: {
    code: 'JOURNAL_VERSION',
    message: 'the journal in {directory} has another format: {reason}',
    help: 'The Kea hook and the host come from different releases. Install both from the same one and restart Kea; the old journal is set aside and the leases are read again from Kea’s database.',
    retry: true,
  },
  NATIVE_LOAD: {
    code: 'NATIVE_LOAD',
    message: 'the native addon does not load: {reason}',
    help: 'It is built by `make build`, for this version of Node; NNOE_NATIVE may name the file.',
    retry: false,
    exit: 78,
  },
  NATIVE_MISMATCH: {
    code: 'NATIVE_MISMATCH',
    message: 'the native addon is of another release: {reason}',
    help: 'build/Release/nnoe_native.node (or the file that NNOE_NATIVE names) was not built from the sources that this host was built from. Run `make build`, or install both from one package; then restart Kea too, whose hook is of the same release.',
    retry: false,
    exit: 78,
  },
  PLUGIN_BATCH_FAILED: {
    code: 'PLUGIN_BATCH_FAILED',
    message: 'plugin {plugin} failed on a batch of {source} ({first} to {last}): {reason}',
    help: 'The plugin is restarted and the batch is handed to it again. Other plugins go on. When it fails on the same batch every time, the record in it needs looking at.',
    retry: true,
  },
  PLUGIN_BATCH_TIMEOUT: {
    code: 'PLUGIN_BATCH_TIMEOUT',
    message: 'plugin {plugin} did not finish a batch of {source} ({first} to {last}) within {seconds} s',
    help: 'The time counts only while the store answers. The plugin is restarted and the batch is handed to it again; what it does with the old one no longer counts.',
    retry: true,
  },
  PLUGIN_FOLLOW_FAILED: {
    code: 'PLUGIN_FOLLOW_FAILED',
    message: 'plugin {plugin} failed while following {prefix}: {reason}',
    help: 'The plugin is restarted and begins with what the prefix holds then.',
    retry: true,
  },
  PLUGIN_HEALTH_FAILED: {
    code: 'PLUGIN_HEALTH_FAILED',
    message: 'plugin {plugin} could not say how it is: {reason}',
    help: 'Its health function threw. A fault in the plugin; it is restarted.',
    retry: true,
  },
  PLUGIN_INVALID: {
    code: 'PLUGIN_INVALID',
    message: 'plugin {plugin} is refused: {reason}',
    help: 'What the plugin declares is not what this host understands. Use a version of it made for this release.',
    retry: false,
    exit: 78,
  },
  PLUGIN_SETUP_FAILED: {
    code: 'PLUGIN_SETUP_FAILED',
    message: 'plugin {plugin} did not start: {reason}',
    help: 'It is tried again with growing pauses, up to a minute.',
    retry: true,
  },
  PLUGIN_SETUP_TIMEOUT: {
    code: 'PLUGIN_SETUP_TIMEOUT',
    message: 'plugin {plugin} did not start within {seconds} s',
    help: 'The time counts only while the store answers. It is tried again with growing pauses, up to a minute.',
    retry: true,
  },
  PLUGIN_STOP_FAILED: {
    code: 'PLUGIN_STOP_FAILED',
    message: 'plugin {plugin} failed while stopping: {reason}',
    help: 'Its batches had settled before, so nothing is lost.',
    retry: true,
  },
  PLUGIN_STOP_TIMEOUT: {
    code: 'PLUGIN_STOP_TIMEOUT',
    message: 'plugin {plugin} did not stop within {seconds} s and is left behind',
    help: 'Whatever it still does no longer counts: its cursor does not move.',
    retry: true,
  },
  PLUGIN_TIMER_FAILED: {
    code: 'PLUGIN_TIMER_FAILED',
    message: 'plugin {plugin} failed in its periodic work: {reason}',
    help: 'The plugin is restarted with growing pauses, up to a minute.',
    retry: true,
  },
  PLUGIN_UNDECLARED: {
    code: 'PLUGIN_UNDECLARED',
    message: 'plugin {plugin} used {what}, which it does not declare',
    help: 'A plugin reaches only the streams, prefixes and metrics that it declares, and writes only below prefixes declared with access "write". A fault in the plugin.',
    retry: false,
  },
  SERVICE_NOTIFY: {
    code: 'SERVICE_NOTIFY',
    message: 'cannot tell the service manager at {socket}: {reason}',
    help: 'NOTIFY_SOCKET names a socket that does not take messages. With Type=notify or WatchdogSec= systemd would take the host for hung and restart it: check NotifyAccess= of the unit, and that nothing hides the socket. The host tries again and works on meanwhile.',
    retry: true,
  },
  STORE_AUTH_FAILED: {
    code: 'STORE_AUTH_FAILED',
    message: 'etcd at {endpoint} refuses the login: {reason}',
    help: 'Check user and password-file of [store], and that authentication is set up on the cluster. The host keeps trying; nothing is lost meanwhile.',
    retry: true,
  },
  STORE_BUSY: {
    code: 'STORE_BUSY',
    message: 'etcd at {endpoint} is overloaded: {reason}',
    help: 'etcd turns requests away because too many wait. The host slows down and tries again. Look at the disk latency of the members.',
    retry: true,
  },
  STORE_CERTIFICATE: {
    code: 'STORE_CERTIFICATE',
    message: 'TLS with etcd at {endpoint} fails: {reason}',
    help: 'A certificate has expired, is not yet valid, is for another name, or is not signed by the authority in [store.tls] ca. Renew it; the files are read again at every attempt, a restart is not needed.',
    retry: true,
  },
  STORE_CLOSED: {
    code: 'STORE_CLOSED',
    message: 'the store was closed',
    help: 'Something used the store after the host had closed it. A fault in the host or in a plugin.',
    retry: false,
  },
  STORE_COMPACTED: {
    code: 'STORE_COMPACTED',
    message: 'the store at {endpoint} no longer has that revision: {reason}',
    help: 'What was being read is no longer kept (compacted away, or a listing that rested too long); it is read again from the present state.',
    retry: true,
  },
  STORE_CORRUPT: {
    code: 'STORE_CORRUPT',
    message: 'etcd at {endpoint} reports damaged data: {reason}',
    help: 'Members disagree or lost data. See the etcd documentation on data corruption: replace the member, or restore the cluster from a backup.',
    retry: true,
  },
  STORE_DAMAGED: {
    code: 'STORE_DAMAGED',
    message: '{file} is damaged: {reason}',
    help: 'The file of the embedded store cannot be used, and is not made anew by itself, because somebody may want to save what it holds. Move it and its neighbours (.mdb-lock, .lock) away, or put a copy of it back; then start again. With an empty store, ask Kea for its leases again: `nnoe-resync` on its control socket.',
    retry: false,
    exit: 78,
  },
  STORE_DENIED: {
    code: 'STORE_DENIED',
    message: 'etcd at {endpoint} denies access: {reason}',
    help: 'The role of this user does not cover the keys. Grant it readwrite on the prefix given as root in [store]. The host keeps trying; nothing is lost meanwhile.',
    retry: true,
  },
  STORE_DIRECTORY: {
    code: 'STORE_DIRECTORY',
    message: 'the directory {directory} cannot be used for the store: {reason}',
    help: 'It is made when it is missing, and the user that the host runs as has to be able to read and write it. Name another one as directory in [store], or correct its owner.',
    retry: false,
    exit: 78,
  },
  STORE_DISK_FULL: {
    code: 'STORE_DISK_FULL',
    message: 'no space for the store in {directory}: {reason}',
    help: 'The disk or quota is full, or max-size in [store] is reached. Nothing is lost: events stay in the journal and are written as soon as there is room. Make room, or raise max-size and start again.',
    retry: true,
    exit: 75,
  },
  STORE_FAILED: {
    code: 'STORE_FAILED',
    message: 'etcd at {endpoint} failed: {reason}',
    help: 'An answer that the host does not know. It keeps trying; the reason is the text that etcd gave.',
    retry: true,
  },
  STORE_INVALID: {
    code: 'STORE_INVALID',
    message: 'the store at {endpoint} finds a request invalid: {reason}',
    help: 'No retry can help: the request itself is wrong. A fault in the host or in a plugin.',
    retry: false,
  },
  STORE_LEASE: {
    code: 'STORE_LEASE',
    message: 'etcd at {endpoint} no longer knows a lease: {reason}',
    help: 'The lease of keys that go by themselves ended while the cluster could not be reached. The host makes another one by itself.',
    retry: true,
  },
  STORE_LOCKED: {
    code: 'STORE_LOCKED',
    message: 'process {owner} has the store in {directory}',
    help: 'An embedded store belongs to one host. Stop the other process, or give this host another directory in [store].',
    retry: true,
    exit: 75,
  },
  STORE_NO_LEADER: {
    code: 'STORE_NO_LEADER',
    message: 'the etcd cluster behind {endpoint} has no leader: {reason}',
    help: 'Too few members run or can reach each other for a majority. Start the missing members. The host keeps trying; events stay in the journal.',
    retry: true,
  },
  STORE_NO_SPACE: {
    code: 'STORE_NO_SPACE',
    message: 'etcd at {endpoint} is out of space: {reason}',
    help: 'The database reached its quota and refuses all writes. Compact and defragment it, or raise --quota-backend-bytes, then clear it with `etcdctl alarm disarm`; turn on auto-compaction. The host goes on by itself afterwards.',
    retry: true,
  },
  STORE_PROTOCOL: {
    code: 'STORE_PROTOCOL',
    message: 'the answer of etcd cannot be read: {reason}',
    help: 'What answers there is not etcd, or a proxy between damages what it passes on.',
    retry: true,
  },
  STORE_REPLACED: {
    code: 'STORE_REPLACED',
    message: 'the store in {directory} is no longer what was opened: {reason}',
    help: 'Somebody removed or replaced the file while the host ran. It writes nothing any more, because what it would write is lost with the old file; events stay in the journal. Start the host again.',
    retry: false,
  },
  STORE_REVISION: {
    code: 'STORE_REVISION',
    message: 'a revision of the store is beyond what the host can count exactly ({value})',
    help: 'Revisions of 2^53 and more do not occur in a cluster that was not tampered with.',
    retry: false,
  },
  STORE_TIMEOUT: {
    code: 'STORE_TIMEOUT',
    message: 'etcd at {endpoint} did not answer within {seconds} s',
    help: 'The member accepts connections but does not answer: it is stopped, overloaded, or its disk hangs; or a firewall drops the packets. Other endpoints are tried; nothing is lost meanwhile.',
    retry: true,
  },
  STORE_TOKEN: {
    code: 'STORE_TOKEN',
    message: 'etcd at {endpoint} no longer knows the login: {reason}',
    help: 'Logins expire; the host logs in again by itself.',
    retry: true,
  },
  STORE_TOO_LARGE: {
    code: 'STORE_TOO_LARGE',
    message: 'a transaction is larger than the store takes: {reason}',
    help: 'No retry can help. The limits are those of the store: etcd takes 1.5 MiB and 128 operations, the embedded store 4 MB, 512 operations and keys of 1,900 bytes.',
    retry: false,
  },
  STORE_UNREACHABLE: {
    code: 'STORE_UNREACHABLE',
    message: 'cannot reach etcd at {endpoint}: {reason}',
    help: 'Nothing listens there, or the name does not resolve. Check endpoints in [store] and that the members run. The host keeps trying with growing pauses up to 5 s; events stay in the journal.',
    retry: true,
  },
  STORE_WRITE_FAILED: {
    code: 'STORE_WRITE_FAILED',
    message: 'the store in {directory} cannot be written: {reason}',
    help: 'The disk refuses; the reason is what the system says. The host keeps trying, and events stay in the journal. When the disk is well again and this stays, start the host again.',
    retry: true,
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof errors;

export class NnoeError extends Error {
  readonly code: ErrorCode;
  /** What stands in the message, by name. Not `details`: uvu takes that for a text, and then loses the failure. */
  readonly values: Readonly<Record<string, string | number>>;

  constructor(code: ErrorCode, values: Record<string, string | number> = {}, cause?: unknown) {
    super(
      errors[code].message.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? '?')),
      cause === undefined ? undefined : { cause },
    );
    this.name = 'NnoeError';
    this.code = code;
    this.values = values;
  }

  get retry(): boolean {
    return errors[this.code].retry;
  }

  get help(): string {
    return errors[this.code].help;
  }
}

/** What went wrong, in words, whatever was thrown. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name;
  return String(thrown);
}

/** Status a process ends with when `thrown` ended it (sysexits): 78 configuration, 75 try later, else 70. */
export function exitCode(thrown: unknown): number {
  if (!(thrown instanceof NnoeError)) return 70;
  const spec: ErrorSpec = errors[thrown.code];
  return spec.exit ?? 70;
}
