// SPDX-License-Identifier: MPL-2.0
// Errors of the tables that dnsdist reads; see ../errors.ts.
import type { ErrorSpec } from './spec.js';

export const tableErrors = {
  DECISIONS_BUSY: {
    code: 'DECISIONS_BUSY',
    message: 'decisions in {directory} are not read: {reason}',
    help: 'A directory of decisions belongs to one host, which sums up what each dnsdist counted. Stop the other host, or give this one another directory as decisions in [tables] and in nnoe.lua. Verdicts do not depend on it.',
    retry: true,
  },
  DECISIONS_DIRECTORY: {
    code: 'DECISIONS_DIRECTORY',
    message: 'the directory {directory} cannot be used for decisions: {reason}',
    help: 'It is made when it is missing, for a group that the user of dnsdist has to be in too (mode 2770), and the host has to be able to write there. Correct its owner or mode, or name another one as decisions in [tables] and in nnoe.lua. Verdicts do not depend on it; metrics and `nnoe top` do.',
    retry: true,
  },
  DECISIONS_FILE: {
    code: 'DECISIONS_FILE',
    message: 'a file in {directory} cannot be read: {reason}',
    help: 'The others are. It is damaged, of a bridge of another release, or not readable to the host. When the dnsdist whose process number its name begins with does not run any more, it can be removed.',
    retry: true,
  },
  RULINGS_SOCKET: {
    code: 'RULINGS_SOCKET',
    message: 'bridges cannot ask about queries without a program: no socket at {socket}: {reason}',
    help: 'It lies in the directory of decisions, for the group of that directory; a path of a socket has at most 107 bytes. Until it is there, such queries get what on-miss says. It is tried again every second.',
    retry: true,
  },
  TABLES_BUSY: {
    code: 'TABLES_BUSY',
    message: 'another process writes the tables in {directory}',
    help: 'A tables directory belongs to one host. Stop the other process, or give this host another directory in [tables].',
    retry: true,
    exit: 75,
  },
  TABLES_DAMAGED: {
    code: 'TABLES_DAMAGED',
    message: 'what {directory} held is not used: {reason}',
    help: 'The tables are made anew from the store and from the files of lists. A dnsdist that has the generation of before keeps it meanwhile. What was learned of the directory’s past (numbers of role sets and lists) begins anew too.',
    retry: true,
  },
  TABLES_DIRECTORY: {
    code: 'TABLES_DIRECTORY',
    message: 'the directory {directory} cannot be used for tables: {reason}',
    help: 'It is made when it is missing, and the user that the host runs as has to be able to write it. Correct its owner, or name another one as directory in [tables]. The host keeps trying; dnsdist keeps the last generation that it could read.',
    retry: true,
  },
  TABLES_FULL: {
    code: 'TABLES_FULL',
    message: 'no number is left for {what}: {most} at most',
    help: 'A set of roles and a list keep their numbers for as long as the tables directory lives, used or not. Use fewer; or stop the host, remove the files in [tables] directory, and start it: it makes them anew. A dnsdist that runs keeps its generation meanwhile.',
    retry: false,
  },
  TABLES_INVALID: {
    code: 'TABLES_INVALID',
    message: '{what}: found {found}, expected {expected}',
    help: 'A plugin handed something to a table that the table cannot hold. What it held before stays. The message says what would be taken.',
    retry: false,
  },
  TABLES_LAG: {
    code: 'TABLES_LAG',
    message:
      'dnsdist (process {pid}) still decides with generation {generation}, {behind} behind, for {seconds} s',
    help: 'It takes a new generation within milliseconds when it reads the directory that the host writes and has a processor to run on. Compare directory in [tables] with that in nnoe.lua, see that its user may read the files, and look at its log.',
    retry: true,
  },
  TABLES_LIST: {
    code: 'TABLES_LIST',
    message: 'list {list} cannot be read from {path}: {reason}',
    help: 'The list stays as it was. Correct the file or its permissions; it is read again when it changes.',
    retry: true,
  },
  TABLES_LOST: {
    code: 'TABLES_LOST',
    message: 'the tables in {directory} are not those that were written: {reason}',
    help: 'Somebody else removed or replaced files of the tables directory, which belongs to the host. The plugins that publish tables begin again, and the directory is made anew with everything in it. A dnsdist that runs keeps its generation meanwhile; to have tables made anew on purpose, stop the host first.',
    retry: true,
  },
  TABLES_REFUSED: {
    code: 'TABLES_REFUSED',
    message:
      'dnsdist (process {pid}) does not take generation {refused} and stays with {generation}: {reason}',
    help: 'It decides with the generation it has. A file that was damaged is written again with the next change; a bridge of another release has to be replaced by the one of this host’s, and dnsdist restarted.',
    retry: true,
  },
  TABLES_STUCK: {
    code: 'TABLES_STUCK',
    message: 'what changed {seconds} s ago is not in the tables yet: {reason}',
    help: 'Usually that takes milliseconds, and seconds for a list of millions. The machine has no processor time or memory left for it, or its disk hangs. The last generation stays in force; a restart of the host begins anew with everything.',
    retry: true,
  },
  TABLES_UNREADABLE: {
    code: 'TABLES_UNREADABLE',
    message: 'the tables in {directory} cannot be read: {reason}',
    help: 'Without permission: be root, or in the group of the directory. Damaged: a dnsdist that starts now refuses them too and does what its `fail` says; the host writes them anew when it is started.',
    retry: false,
  },
  TABLES_UNWRITTEN: {
    code: 'TABLES_UNWRITTEN',
    message: 'no new generation of tables could be written in {directory}: {reason}',
    help: 'Usually the disk is full. The last generation stays in force, what changed since waits, and the host tries again with pauses of up to 30 s. Make room, or correct the directory.',
    retry: true,
  },
} as const satisfies Record<string, ErrorSpec>;
