// SPDX-License-Identifier: MPL-2.0
// Errors of stores; see ../errors.ts.
import type { ErrorSpec } from './spec.js';

export const storeErrors = {
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
    help: 'The file of the embedded store cannot be used, and is not made anew by itself, because somebody may want to save what it holds. Move it and its neighbours (.mdb-lock, .lock) away, or put a copy of it back; then start again. With an empty store, ask Kea for its leases again: `nnoe-resync` on its control socket. Found while the host runs, it writes no more but goes on reading, so that the store can still be copied; events stay in the journal.',
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
    help: 'The disk refuses; the reason is what the system says. The host keeps trying, and events stay in the journal. When the disk is well again and this stays, start the host again. It ends by itself when only that can help.',
    retry: true,
  },
} as const satisfies Record<string, ErrorSpec>;
