// SPDX-License-Identifier: MPL-2.0
// The plugins of this release, in the order in which they are started and shown. The only place where the host
// meets them by name.
import type { AnyPlugin } from '../host/plugin.js';
import leases from './leases/plugin.js';
import lists from './lists/plugin.js';
import policies from './policies/plugin.js';
import roles from './roles/plugin.js';

export const plugins: readonly AnyPlugin[] = [leases, roles, lists, policies];
