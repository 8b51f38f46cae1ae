// SPDX-License-Identifier: MPL-2.0
// The store that the configuration names.
import { readFileSync } from 'node:fs';
import type { StoreConfig } from './config.js';
import { etcdStore, gatewayStore } from './store/etcd.js';
import type { Store } from './store/store.js';

export function openStore(config: StoreConfig): Store {
  const passwordFile = config['password-file'];
  const open = { etcd: etcdStore, 'etcd-gateway': gatewayStore }[config.kind];
  return open({
    root: config.root,
    endpoints: config.endpoints,
    user: config.user,
    password: passwordFile === undefined ? undefined : () => firstLine(passwordFile),
    tls: config.tls,
    connectTimeout: config['connect-timeout'],
    requestTimeout: config['request-timeout'],
  });
}

const firstLine = (file: string) => readFileSync(file, 'utf8').split(/\r?\n/, 1)[0] ?? '';
