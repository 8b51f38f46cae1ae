// SPDX-License-Identifier: MPL-2.0
// Policies as files, for Cerbos: one a policy, named so that its id can be told from the name, and the schema.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GRPC } from '@cerbos/grpc';
import schema from '../schema/dns_query.json' with { type: 'json' };
import { markKind, type PolicyText } from './pdp.js';

/** Ids may hold anything that a key may; names of files may not. JSON is YAML, so one suffix does. */
export const fileOf = (id: string): string => `${Buffer.from(id, 'utf8').toString('base64url') || '_'}.yaml`;
export const idOf = (file: string): string | undefined => {
  const name = /^([\w-]+)\.yaml$/.exec(file)?.[1];
  return name === undefined ? undefined : name === '_' ? '' : Buffer.from(name, 'base64url').toString('utf8');
};

/** Makes the directory hold these policies, the mark when there is one, and nothing else. */
export function writePolicies(directory: string, policies: readonly PolicyText[], mark?: string): void {
  mkdirSync(join(directory, '_schemas'), { recursive: true, mode: 0o700 });
  const wanted = new Map(policies.map(({ id, text }) => [fileOf(id), text]));
  if (mark !== undefined) wanted.set(markFile, mark);
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

/** What tells one set of policies, with the schema, from every other. */
export function setOf(policies: readonly PolicyText[]): string {
  const texts = policies.map(({ id, text }) => [id, text]).sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([schema, texts]))
    .digest('hex')
    .slice(0, 32);
}

const markFile = 'nnoe.generation.json';
/** The policy of our own that says which set of policies the decision point goes by. */
export const mark = (...of: string[]): string =>
  JSON.stringify({
    apiVersion: 'api.cerbos.dev/v1',
    resourcePolicy: {
      resource: markKind,
      version: 'default',
      rules: [{ actions: of, effect: 'EFFECT_ALLOW', roles: ['*'] }],
    },
  });

/** Whether the decision point goes by a policy with this mark. @throws what the transport throws */
export const hasMark = (client: GRPC, of: string, signal?: AbortSignal): Promise<boolean> =>
  client.isAllowed(
    {
      principal: { id: 'nnoe', roles: ['nnoe'] },
      resource: { kind: markKind, id: 'mark' },
      action: of,
    },
    signal ? { signal } : {},
  );
