// SPDX-License-Identifier: MPL-2.0
import type { GRPC } from '@cerbos/grpc';
import type { PolicyText } from './pdp.js';

/** A policy decision point that takes its policies from us. */
export interface Decider {
  readonly client: GRPC;
  /** An action that Cerbos grants for as long as it has the policies that it went over to last: see `check`. */
  readonly mark: string;
  /**
   * Goes over to these policies.
   * @returns undefined when it did; by id why policies are bad when it did not
   * @throws Error when it does not answer, or does neither
   */
  load(policies: readonly PolicyText[], signal?: AbortSignal): Promise<Map<string, string> | undefined>;
  /**
   * Whether it goes by exactly these policies now: one that lost them would plan that nobody may do anything.
   * @throws Error when it does not answer
   */
  holds(policies: readonly PolicyText[], signal?: AbortSignal): Promise<boolean>;
  /** Where it is, for people. */
  readonly place: string;
  stop(): Promise<void>;
}
