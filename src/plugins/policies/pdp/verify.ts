// SPDX-License-Identifier: MPL-2.0
// `cerbos compile` over a set of policies, in a process and a directory of its own: which of them are bad, and why.
import { rmSync } from 'node:fs';
import { runCerbos } from './binary.js';
import { idOf, writePolicies } from './files.js';
import type { PolicyText } from './pdp.js';
import { scratch } from './scratch.js';

interface Found {
  file?: string;
  importing_file?: string;
  other_file?: string;
  error?: string;
  desc?: string;
  description?: string;
  policy?: string;
  position?: { line?: number; column?: number };
  error_details?: { position?: { line?: number; column?: number } };
}

/** By id, why each bad policy is refused; of two that define the same, the later one by id. */
function faults(output: string, named: (id: string) => string): Map<string, string> {
  const reasons = new Map<string, string>();
  const answer = JSON.parse(output) as Record<string, Record<string, Found[]>>;
  for (const kinds of Object.values(answer)) {
    for (const [kind, all] of Object.entries(kinds)) {
      for (const found of Array.isArray(all) ? all : []) add(reasons, kind, found, named);
    }
  }
  return reasons;
}

function add(reasons: Map<string, string>, kind: string, found: Found, named: (id: string) => string): void {
  let id = idOf(found.file ?? found.importing_file ?? '');
  const other = idOf(found.other_file ?? '');
  let reason = found.description ?? found.desc ?? found.error ?? kind;
  if (id !== undefined && other !== undefined) {
    const [first, second] = [id, other].sort() as [string, string];
    id = second;
    reason = `it defines ${found.policy ?? 'a policy'}, as ${named(first)} does`;
  }
  const { line, column } = found.position ?? found.error_details?.position ?? {};
  const place = line === undefined || line === 0 ? '' : `line ${line}, column ${column ?? 0}: `;
  if (id !== undefined && !reasons.has(id)) reasons.set(id, `${place}${reason}`);
}

/**
 * Goes on until the rest compiles: a policy may be bad because one that it imports is.
 * @param named how an id is shown
 * @throws Error when Cerbos cannot be run, or says no more than that it failed
 */
export async function verify(
  policies: readonly PolicyText[],
  signal?: AbortSignal,
  named = (id: string) => id,
): Promise<{ good: PolicyText[]; bad: Map<string, string> }> {
  const bad = new Map<string, string>();
  const directory = scratch('policies');
  try {
    for (;;) {
      const good = policies.filter(({ id }) => !bad.has(id));
      writePolicies(directory, good);
      const ran = await runCerbos(['compile', '--skip-tests', '--no-color', '-o', 'json', directory], signal);
      if (ran.status === 0) return { good, bad };
      const found = ran.stdout.trim() === '' ? new Map<string, string>() : faults(ran.stdout, named);
      const more = [...found].filter(([id]) => good.some((policy) => policy.id === id));
      if (more.length === 0)
        throw new Error(`cerbos compile failed: ${ran.stderr.trim() || ran.stdout.trim()}`);
      for (const [id, reason] of more) bad.set(id, reason);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
