// SPDX-License-Identifier: MPL-2.0
// Environment variables. NNOE_ and the key in capitals, with _ for . and -: store.request-timeout is
// NNOE_STORE_REQUEST_TIMEOUT, journal.dhcp4.family is NNOE_JOURNAL_DHCP4_FAMILY. Names that operators give
// hold no _, and no two keys have one variable (test/house/config.test.ts), so it reads back in one way.
import { type Catalogue, type Key, keysOf } from './catalogue.js';

/** NNOE_ variables that are no keys of the configuration; anything else is refused as a spelling mistake. */
export const otherVariables: Readonly<Record<string, string>> = {
  NNOE_CONFIG: 'The configuration file, when --config does not name one.',
  NNOE_NATIVE: 'The native addon, when it is not where it was built.',
  NNOE_BUILD: 'Build and tests: directory of the native parts.',
  NNOE_DNSDIST_BRIDGE: 'Tests: directory of the library and script that dnsdist loads.',
  NNOE_JOURNAL_TOOL: 'Tests: program that writes journals.',
  NNOE_KEA_HOOK: 'Tests: the hook library that Kea loads.',
  NNOE_MATRIX_DIR: 'make matrix: where roots of other releases are kept.',
  NNOE_PACKAGES_DIR: 'Tests: the directory of `make test-packages`; default /var/tmp/nnoe-packages.',
  NNOE_DEB_DIRECTORY: 'Build: where debian/rules puts packages; default: beside the tree.',
  NNOE_HARDENING: 'Build: further flags of the C++ compiler; tools/native.sh sets it for packages.',
  NNOE_SETUP_INNER: 'Setup: set while it runs itself with sudo.',
  NNOE_SUDO_OPTIONS: 'Setup: options of sudo.',
  NNOE_TEST_MARK: 'Tests: marks the processes of one test.',
};

const capitals = (name: string) => name.replaceAll('-', '_').toUpperCase();

/** With NAME for what the operator names. */
export const variableOf = ({ path }: Pick<Key, 'path'>): string =>
  `NNOE_${path.map((step) => (step === '*' ? 'NAME' : capitals(step))).join('_')}`;

/** The key that a variable sets, as a path with names instead of `*`; undefined when it sets none. */
export function pathOfVariable(all: Catalogue, variable: string): string[] | undefined {
  let best: { path: string[]; literal: number } | undefined;
  for (const { path } of keysOf(all)) {
    const parts = path.map((step) => (step === '*' ? '([A-Z][A-Z0-9_]*)' : capitals(step)));
    const match = new RegExp(`^NNOE_${parts.join('_')}$`).exec(variable);
    if (match === null) continue;
    const names = match.slice(1).map((name) => name.toLowerCase().replaceAll('_', '-'));
    // Where several fit, the one that leaves least to a name: a plugin's own key before any plugin's.
    const literal = path.filter((step) => step !== '*').join('').length;
    if (best === undefined || literal > best.literal)
      best = { path: path.map((step) => (step === '*' ? (names.shift() ?? '') : step)), literal };
  }
  return best?.path;
}
