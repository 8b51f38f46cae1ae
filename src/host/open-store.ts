// SPDX-License-Identifier: MPL-2.0
// The store that the configuration names; a remote one with a copy on disk of what plugins follow.
import type { StoreConfig } from './config.js';
import type { NnoeError } from './errors.js';
import type { Logger } from './log.js';
import { pathOf, readSecret } from './secrets.js';
import { cachedStore } from './store/cache.js';
import { embeddedStore } from './store/embedded.js';
import { etcdStore, gatewayStore } from './store/etcd.js';
import type { Store } from './store/store.js';

const mebibyte = 2 ** 20;

/**
 * @param lost called when only another start of the process can help the store.
 * @throws NnoeError CREDENTIAL_ABSENT, or of an embedded store that cannot be opened; a remote one is waited for.
 */
export function openStore(config: StoreConfig, log: Logger, lost: (error: NnoeError) => void): Store {
  const { directory } = config;
  if (config.kind === 'embedded')
    return embeddedStore({ directory, maxSize: config['max-size'] * mebibyte, log, lost });
  const remote = openRemote(config);
  const { ttl, 'max-size': maxSize } = config.cache;
  if (ttl === 0) return remote;
  return cachedStore(remote, { remote: config, directory, ttl, maxSize: maxSize * mebibyte, log });
}

function openRemote(config: StoreConfig): Store {
  const passwordFile = config['password-file'];
  if (passwordFile !== undefined) pathOf(passwordFile); // early, so that a host without it does not start
  const open = config.kind === 'etcd' ? etcdStore : gatewayStore;
  return open({
    root: config.root,
    endpoints: config.endpoints,
    user: config.user,
    password: passwordFile === undefined ? undefined : () => readSecret(passwordFile),
    tls: config.tls && resolved(config.tls),
    connectTimeout: config['connect-timeout'],
    requestTimeout: config['request-timeout'],
  });
}

const resolved = (files: Record<string, string | undefined>) =>
  Object.fromEntries(Object.entries(files).map(([name, file]) => [name, file && pathOf(file)]));
