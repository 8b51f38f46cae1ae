// SPDX-License-Identifier: MPL-2.0
// A tables directory in the addon's hands, as the service wants it: names beyond ASCII are converted here, and closing
// waits for what is under way.
import { domainToASCII } from 'node:url';
import type { LoadSource } from './names-table.js';
import type { NativeLoad, NativeTables } from './native.js';

/** What the addon itself has. */
export interface AddonTables extends Omit<NativeTables, 'prepareList' | 'close'> {
  prepareList(list: number, source: LoadSource): Promise<AddonLoad>;
  /** @param texts those of `unicode` in ASCII; empty: it cannot be converted. */
  convertList(id: number, texts: readonly string[]): AddonLoad;
  /** Its lock is given back when nothing is under way any more. */
  close(): void;
}

interface AddonLoad extends NativeLoad {
  /** Names to be converted. */
  unicode: readonly string[];
}

/** @param open of the addon. */
export function addonTables(open: (directory: string) => AddonTables, directory: string): NativeTables {
  const addon = open(directory);
  const underWay = new Set<Promise<unknown>>();
  const kept = <T>(promise: Promise<T>): Promise<T> => {
    const settled = promise.catch(() => undefined).finally(() => underWay.delete(settled));
    underWay.add(settled);
    return promise;
  };
  return {
    restored: addon.restored,
    replaceClients: (entries) => kept(addon.replaceClients(entries)),
    changeClients: (entries) => kept(addon.changeClients(entries)),
    findClient: (address) => addon.findClient(address),
    countClients: () => kept(addon.countClients()),
    prepareList: (list, source) => kept(prepare(addon, list, source)),
    finishLoad: (id, take) => kept(addon.finishLoad(id, take)),
    changeNames: (entries) => kept(addon.changeNames(entries)),
    keepLists: (lists) => kept(addon.keepLists(lists)),
    listSizes: () => addon.listSizes(),
    checkPrograms: (section, limits) => addon.checkPrograms(section, limits),
    publish: (request) => kept(addon.publish(request)),
    rebuild: (what) => kept(addon.rebuild(what)),
    async close() {
      await Promise.all(underWay);
      addon.close();
    },
  };
}

async function prepare(addon: AddonTables, list: number, source: LoadSource): Promise<NativeLoad> {
  const { unicode, ...load } = await addon.prepareList(list, source);
  if (unicode.length === 0) return load;
  const { unicode: _, ...converted } = addon.convertList(load.id, unicode.map(domainToASCII));
  return converted;
}
