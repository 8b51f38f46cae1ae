// SPDX-License-Identifier: MPL-2.0
// What one client, or many, may take of the host over the control socket.

export interface ControlLimits {
  /** Streams (leases, watches, walks) open at a time; further ones are refused. */
  streams: number;
  /** Connections; further ones are closed at once. */
  connections: number;
  /** Request line and headers, bytes. */
  headerBytes: number;
  /** Of a value that is put into the store, bytes; other requests have no body. */
  valueBytes: number;
  /** Time for a request to arrive, ms. */
  requestMs: number;
  /** How often the times of requests are looked at, ms; wakes an idle host. */
  checkMs: number;
  /** A stream whose reader took nothing for this long is cut, ms: somebody may be reading in a pager. */
  stallMs: number;
  /** The same for a watch whose reader holds up other watches, ms. */
  holdUpMs: number;
  /** Changes that wait for one reader of a watch before the follow is made to wait. */
  queue: number;
  /** Keys read from the store at a time. */
  page: number;
  /** Time for the store to answer with a page, ms. */
  storeMs: number;
}

export const usualLimits: ControlLimits = {
  streams: 8,
  connections: 32,
  headerBytes: 8192,
  valueBytes: 1 << 20,
  requestMs: 5000,
  checkMs: 5000,
  stallMs: 300_000,
  holdUpMs: 10_000,
  queue: 4096,
  page: 500,
  storeMs: 15_000,
};
