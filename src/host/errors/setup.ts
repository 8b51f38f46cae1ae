// SPDX-License-Identifier: MPL-2.0
// Errors of `nnoe setup`; see ../errors.ts.
import type { ErrorSpec } from './spec.js';

export const setupErrors = {
  SETUP_CHANGED: {
    code: 'SETUP_CHANGED',
    message: '{file} was changed by somebody else meanwhile',
    help: 'Nothing was written to it. Run the command again: it begins with what stands there now.',
    retry: true,
    exit: 75,
  },
  SETUP_CHECKER: {
    code: 'SETUP_CHECKER',
    message: '{command} cannot be run: {reason}',
    help: 'What would be changed has to pass the check of the program that reads it, so nothing was changed. Install that program, or name it with --program.',
    retry: false,
    exit: 78,
  },
  SETUP_FILE: {
    code: 'SETUP_FILE',
    message: 'cannot read {file}: {reason}',
    help: 'Name the configuration of the other program with --config, and run this as somebody who may read it. Nothing was changed.',
    retry: false,
    exit: 78,
  },
  SETUP_REFUSED: {
    code: 'SETUP_REFUSED',
    message: '{command} refuses {file} with this change{before}: {reason}',
    help: 'Nothing was changed. The text after the colon is that program’s own; lines are those of the changed file, which the diff shows. A hook that cannot be opened was built for another release of Kea, or lies where this Kea takes none from.',
    retry: false,
    exit: 78,
  },
  SETUP_TEXT: {
    code: 'SETUP_TEXT',
    message: '{file}, line {line}: found {found}, expected {expected}',
    help: 'The file is changed as text, so that every comment stays, and this place cannot be changed so without a guess. Nothing was changed. Write it by hand, as native/kea-hook/README.md and native/dnsdist-bridge/README.md show; running the command again then tells whether it is found.',
    retry: false,
    exit: 78,
  },
  SETUP_UNWRITTEN: {
    code: 'SETUP_UNWRITTEN',
    message: 'cannot write {file}: {reason}',
    help: 'What stood there still does: a change takes its place only when it is complete. Run this as somebody who may write there and give the file to its owner, which is root as a rule.',
    retry: false,
    exit: 70,
  },
} as const satisfies Record<string, ErrorSpec>;
