// SPDX-License-Identifier: MPL-2.0

/** A condition that cannot be compiled exactly. The message is one clause for an operator. */
export class Refused extends Error {
  override name = 'Refused';
  constructor(
    /** What the condition uses: an operator or function of CEL, or a variable. */
    readonly operator: string,
    message: string,
  ) {
    super(message);
  }
}
