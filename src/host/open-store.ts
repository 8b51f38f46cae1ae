// SPDX-License-Identifier: MPL-2.0
// The store that the configuration names.
import type { StoreConfig } from './config.js';
import { pathOf, readSecret } from './secrets.js';
import { etcdStore, gatewayStore } from './store/etcd.js';
import type { Store } from './store/store.js';

/** @throws NnoeError CREDENTIAL_ABSENT. */
export function openStore(config: StoreConfig): Store {
  const passwordFile = config['password-file'];
  if (passwordFile !== undefined) pathOf(passwordFile); // early, so that a host without it does not start
  const open = { etcd: etcdStore, 'etcd-gateway': gatewayStore }[config.kind];
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
