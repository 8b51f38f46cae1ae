// SPDX-License-Identifier: MPL-2.0
// A hook of Node's module loader, run by it in a thread of its own: what a plugin imports of `nnoe` or `zod` and
// does not find beside itself comes from the host. A plugin in a directory without node_modules works so.
import type { ResolveHook } from 'node:module';

export const resolve: ResolveHook = async (specifier, context, next) => {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (!/^(nnoe|zod)(\/|$)/.test(specifier)) throw error;
    return await next(specifier, { ...context, parentURL: import.meta.url });
  }
};
