// SPDX-License-Identifier: MPL-2.0
// Changes of the store as lines for people, as `nnoe leases --watch` shows them.
import { changeLine } from '../../src/cli/lease-view.js';
import type { LeaseValue } from '../../src/host/control/api.js';
import type { Change } from '../../src/host/store/store.js';

/** @param name the key below the leases' prefix: the address. */
export function leaseLine(change: Change, name: string, time: Date): string {
  if (change.type === 'delete') return changeLine(name, undefined, time);
  let lease: LeaseValue = null;
  try {
    lease = JSON.parse(change.entry.value.toString()) as LeaseValue;
  } catch {
    // Shown as unreadable.
  }
  return changeLine(name, lease, time);
}
