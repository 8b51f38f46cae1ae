// SPDX-License-Identifier: MPL-2.0
// Errors of journals; see ../errors.ts.
import type { ErrorSpec } from './spec.js';

export const journalErrors = {
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
    help: 'The host needs to read the directory and to write its cursors and doorbell. The reason names what is in the way. With the packages, the journal is of Kea’s user and of the group nnoe, mode 2750, which `systemd-tmpfiles --create` makes so again. Kea keeps answering and keeps journaling meanwhile.',
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
    help: 'The Kea hook and the host come from different releases. Install both from the same one and restart Kea; a journal that its hook does not know is set aside, and the leases are read again from Kea’s database.',
    retry: true,
  },
} as const satisfies Record<string, ErrorSpec>;
