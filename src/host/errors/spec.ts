// SPDX-License-Identifier: MPL-2.0
export interface ErrorSpec {
  code: string;
  /** One line. */
  message: string;
  /** A paragraph for the operator: what it means and what to do. */
  help: string;
  /** Whether trying again without a change can succeed. */
  retry: boolean;
  /** Status of the process when it ends because of this; see `exitCode`. */
  exit?: number;
}
