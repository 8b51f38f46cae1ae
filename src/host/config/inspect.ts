// SPDX-License-Identifier: MPL-2.0
// `nnoe check` beyond the text of the configuration: is there what it names? Nothing is started or changed.

import { X509Certificate } from 'node:crypto';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostConfig } from '../config.js';
import { NnoeError, reasonOf } from '../errors.js';
import { native } from '../native.js';
import { isCredential, pathOf } from '../secrets.js';
import { expanded, type Key, keysOf } from './catalogue.js';
import { placeText } from './faults.js';
import type { Loaded } from './load.js';
import { dotted, type Table, valueAt } from './paths.js';

export interface Finding {
  /** `fault`: the host would not run as configured; `note`: worth knowing. */
  state: 'ok' | 'note' | 'fault';
  /** What was looked at. */
  subject: string;
  message: string;
  /** What to do about it; empty when ok. */
  help: string;
}

type Look = Pick<Finding, 'state' | 'message' | 'help'>;

const ok = (message: string): Look => ({ state: 'ok', message, help: '' });
const note = (message: string, help: string): Look => ({ state: 'note', message, help });
const fault = (message: string, help: string): Look => ({ state: 'fault', message, help });

/** What every file and directory that the configuration names is like for the user who asks. */
export function inspectNamed({ config, effective }: Loaded): Finding[] {
  const plugins = Object.entries(config.plugins).map(([name, plugin]) => [name, plugin.config]);
  const values: Table = { ...config, plugins: Object.fromEntries(plugins) };
  return keysOf(effective.catalogue).flatMap((key) => {
    const look = looks[key.schema.names ?? ''];
    return look === undefined
      ? []
      : [...expanded(key, values)].flatMap((path) => {
          const named = valueAt(values, path);
          if (typeof named !== 'string') return [];
          const origin = effective.origin(path);
          const from = origin === 'default' ? '' : `${placeText(origin)}: `;
          return [{ subject: `${from}${dotted(path)}`, ...look(named, key, origin === 'default', config) }];
        });
  });
}

const looks: Record<string, (named: string, key: Key, isDefault: boolean, config: HostConfig) => Look> = {
  file: (named) => readable(named, (bytes) => certificate(named, bytes)),
  secret: (named) =>
    readable(named, (bytes, mode) => {
      if (bytes.toString().trim() === '')
        return fault(`${named} is empty`, 'Put the secret into its first line.');
      if ((mode & 0o004) !== 0)
        return note(`anybody on this machine can read ${named}`, `chmod o-r ${pathOf(named)}`);
      return ok(`${named} is readable`);
    }),
  journal: (named) => {
    const help = 'The Kea hook makes it when Kea starts: check hooks-libraries and its journal-directory.';
    if (!exists(named)) return note(`${named} is not there yet`, help);
    if (!statSync(named).isDirectory()) return fault(`${named} is no directory`, help);
    const cursors = join(named, 'cursors');
    if (!exists(cursors)) return note(`there is no journal in ${named} yet`, help);
    return writable(
      cursors,
      'The host keeps its cursors there: its group has to be that of the journal, or put its user into the group of Kea.',
    );
  },
  directory: (named, _, isDefault) => {
    if (exists(named)) {
      if (!statSync(named).isDirectory()) return fault(`${named} is no directory`, 'Name another one.');
      return ok(`${named} is there`);
    }
    return isDefault
      ? ok(`${named} is not there; nothing needs it`)
      : note(`${named} is not there`, `mkdir ${named}, or name another one.`);
  },
  // The host makes it; with a remote store it can do without.
  kept: (named, _, __, { store }) => {
    const look = (what: string) =>
      store.kind === 'embedded'
        ? fault(what, 'Make it for the user that the host runs as, or name another one.')
        : note(what, 'The host runs without it, and keeps no copies of what plugins follow.');
    const there = nearest(named);
    if (!statSync(there).isDirectory()) return look(`${there} is no directory`);
    try {
      accessSync(there, constants.R_OK | constants.W_OK | constants.X_OK);
    } catch (error) {
      return look(`no permission on ${there}: ${why(error)}`);
    }
    return ok(there === named ? `${named} is there` : `${named} is made when the host starts`);
  },
};

/** The path, or what is there of the directories above it. */
const nearest = (path: string): string => (exists(path) ? path : nearest(dirname(path)));

function readable(named: string, look: (bytes: Buffer, mode: number) => Look): Look {
  try {
    // Outside of the service there are no credentials, which says nothing about the service.
    if (isCredential(named) && process.env.CREDENTIALS_DIRECTORY === undefined)
      return note(
        `${named} can be read within the service only`,
        'systemd gives it with LoadCredential= in the unit.',
      );
    const path = pathOf(named);
    return look(readFileSync(path), statSync(path).mode);
  } catch (error) {
    const help = 'Check the path, and that the user the host runs as may read it and enter its directories.';
    return fault(`cannot read ${named}: ${why(error)}`, error instanceof NnoeError ? error.help : help);
  }
}

/** PEM files that are certificates; others are only readable. */
function certificate(named: string, bytes: Buffer): Look {
  if (!bytes.includes('-----BEGIN CERTIFICATE-----'))
    return fault(
      `${named} holds no certificate`,
      'A PEM file that begins with -----BEGIN CERTIFICATE----- is expected.',
    );
  try {
    const { validTo, subject } = new X509Certificate(bytes);
    if (Date.parse(validTo) < Date.now())
      return fault(
        `the certificate in ${named} ended on ${validTo}`,
        'Renew it; the host need not be restarted then.',
      );
    return ok(`certificate of ${subject.replaceAll('\n', ', ')}, until ${validTo}`);
  } catch (error) {
    return fault(
      `the certificate in ${named} is damaged: ${why(error)}`,
      'Write the file again from its source.',
    );
  }
}

function writable(directory: string, help: string): Look {
  try {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return ok(`${directory} is there`);
  } catch (error) {
    return fault(`no permission on ${directory}: ${why(error)}`, help);
  }
}

/** Whether it is there, also for somebody who may not look into the directory above. */
function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' && exists(dirname(path));
  }
}

/** The system's code and words, without the path, which is named already. */
const why = (error: unknown): string =>
  reasonOf(error)
    .replace(/, \w+ '.*'$/s, '')
    .split('\n', 1)[0] ?? '';

export function inspectAddon(): Finding {
  const subject = 'native addon';
  try {
    return { subject, ...ok(`loads, version ${native().abi} of its interface`) };
  } catch (error) {
    const { message, help } = new NnoeError('NATIVE_LOAD', { reason: why(error) }, error);
    return { subject, ...fault(message, help) };
  }
}

export function inspectPlugins({ config, plugins, packages }: Loaded): Finding[] {
  return plugins.map(({ name, stability }) => {
    const from = packages.find((each) => each.name === name)?.from ?? 'this release';
    const state = config.plugins[name]?.enabled ? 'enabled' : 'switched off';
    return { subject: `plugin ${name}`, ...ok(`${state}, ${stability}, from ${from}`) };
  });
}
