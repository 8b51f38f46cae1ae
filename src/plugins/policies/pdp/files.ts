// SPDX-License-Identifier: MPL-2.0
// Policies as files, for Cerbos: one a policy, named so that its id can be told from the name, and the schema.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import schema from '../schema/dns_query.json' with { type: 'json' };
import { markKind, type PolicyText } from './pdp.js';

/** Ids may hold anything that a key may; names of files may not. JSON is YAML, so one suffix does. */
export const fileOf = (id: string): string => `${Buffer.from(id, 'utf8').toString('base64url') || '_'}.yaml`;
export const idOf = (file: string): string | undefined => {
  const name = /^([\w-]+)\.yaml$/.exec(file)?.[1];
  return name === undefined ? undefined : name === '_' ? '' : Buffer.from(name, 'base64url').toString('utf8');
};

/** Makes the directory hold these policies and nothing else. */
export function writePolicies(directory: string, policies: readonly PolicyText[], generation?: string): void {
  mkdirSync(join(directory, '_schemas'), { recursive: true, mode: 0o700 });
  const wanted = new Map(policies.map(({ id, text }) => [fileOf(id), text]));
  if (generation !== undefined) wanted.set(markFile, mark(generation));
  for (const file of readdirSync(directory)) {
    if (file !== '_schemas' && !wanted.has(file)) rmSync(join(directory, file), { recursive: true });
  }
  // Whole or not at all: half a policy may be one that lacks its denials.
  for (const [file, text] of wanted) {
    writeFileSync(join(directory, `${file}.tmp`), text);
    renameSync(join(directory, `${file}.tmp`), join(directory, file));
  }
  writeFileSync(join(directory, '_schemas', 'dns_query.json'), JSON.stringify(schema));
}

/** What writePolicies wrote; nothing when there is no such directory. */
export function readPolicies(directory: string): PolicyText[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((file) => {
    const id = idOf(file);
    return id === undefined ? [] : [{ id, text: readFileSync(join(directory, file), 'utf8') }];
  });
}

const markFile = 'nnoe.generation.json';
/** Says which generation of files the decision point has loaded. */
export const mark = (generation: string): string =>
  JSON.stringify({
    apiVersion: 'api.cerbos.dev/v1',
    resourcePolicy: {
      resource: markKind,
      version: 'default',
      rules: [{ actions: [generation], effect: 'EFFECT_ALLOW', roles: ['*'] }],
    },
  });
