// SPDX-License-Identifier: MPL-2.0
// What operators ask of one plugin.
import { NnoeError, reasonOf } from '../errors.js';
import type { Operations } from '../plugin.js';
import { badRequest, faultOf, Refused } from './refusal.js';

/**
 * @param plugins by name; undefined: it does not run now.
 * @param operation when it is not to be taken from the query.
 * @throws Refused.
 */
export async function operate(
  plugins: Readonly<Record<string, Operations | undefined>>,
  query: URLSearchParams,
  operation = query.get('operation') ?? '',
): Promise<object> {
  const plugin = query.get('plugin') ?? '';
  if (!Object.hasOwn(plugins, plugin)) throw unknown('plugin', plugin, Object.keys(plugins));
  const operations = plugins[plugin];
  if (operations === undefined) throw new Refused(503, faultOf(new NnoeError('CONTROL_PLUGIN', { plugin })));
  const work = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
  if (work === undefined) throw unknown('operation', operation, Object.keys(operations));
  try {
    return await work(query.get('subject') ?? undefined);
  } catch (error) {
    if (error instanceof NnoeError) throw new Refused(409, faultOf(error));
    const refusal = new NnoeError('CONTROL_OPERATION', { plugin, operation, reason: reasonOf(error) }, error);
    throw new Refused(409, faultOf(refusal));
  }
}

function unknown(what: string, found: string, known: readonly string[]): Refused {
  const names = known.length === 0 ? 'one, of which there is none' : `one of ${known.join(', ')}`;
  return badRequest(`${what}: found ${JSON.stringify(found.slice(0, 60))}, expected ${names}`, 404);
}
