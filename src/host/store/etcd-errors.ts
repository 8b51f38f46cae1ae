// SPDX-License-Identifier: MPL-2.0
// What a failed call means, as one of our stable codes. etcd speaks in gRPC status and English; what is
// matched here are the texts of its api/v3rpc/rpctypes, unchanged since 3.0.
import { X509Certificate } from 'node:crypto';
import { type ErrorCode, NnoeError } from '../errors.js';

type StoreCode = Extract<ErrorCode, `STORE_${string}`>;

const byText: [RegExp, StoreCode][] = [
  [/database space exceeded/, 'STORE_NO_SPACE'],
  [/request is too large|larger than max/, 'STORE_TOO_LARGE'],
  [
    /too many operations|duplicate key given|lease already exists|key is not provided|value is provided/,
    'STORE_INVALID',
  ],
  [/invalid auth token|revision of auth store is old/, 'STORE_TOKEN'],
  [/authentication failed|user name is empty|user name not found|token is not provided/, 'STORE_AUTH_FAILED'],
  [/permission denied/, 'STORE_DENIED'],
  [/requested lease not found/, 'STORE_LEASE'],
  [/no leader|leader changed|not leader|request timed out/, 'STORE_NO_LEADER'],
  [/too many requests/, 'STORE_BUSY'],
  [/has been compacted|is a future revision/, 'STORE_COMPACTED'],
  [/corrupt/, 'STORE_CORRUPT'],
  [/certificate|self-signed|self signed|altname|SSL|TLS|ERR_TLS/, 'STORE_CERTIFICATE'],
];

const byStatus: Record<number, StoreCode> = {
  3: 'STORE_INVALID',
  4: 'STORE_TIMEOUT',
  7: 'STORE_DENIED',
  11: 'STORE_COMPACTED',
  14: 'STORE_UNREACHABLE',
  15: 'STORE_CORRUPT',
  16: 'STORE_AUTH_FAILED',
};

/** A call that failed, in gRPC's terms: what npm grpc-js throws has this shape as well. */
export class StatusError extends Error {
  /** @param code gRPC status: 4 deadline exceeded, 14 unavailable, 16 unauthenticated, ... */
  constructor(
    readonly code: number,
    readonly details: string,
    cause?: unknown,
  ) {
    super(details, cause === undefined ? undefined : { cause });
  }
}

const hasStatus = (thrown: unknown): thrown is StatusError =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'number' && 'details' in thrown;

/** Why our own certificate would be refused, read from the file; servers do not always say it. */
export function certificateFault(pem: Buffer | undefined, now = Date.now()): string | undefined {
  if (pem === undefined) return undefined;
  try {
    const own = new X509Certificate(pem);
    if (Date.parse(own.validTo) < now) return `the host's own certificate expired on ${own.validTo}`;
    if (Date.parse(own.validFrom) > now)
      return `the host's own certificate is valid only from ${own.validFrom}`;
    return undefined;
  } catch (error) {
    return `the host's own certificate cannot be read: ${String(error)}`;
  }
}

export interface CallPlace {
  endpoint: string;
  /** PEM of the certificate that the host shows there. */
  certificate?: Buffer | undefined;
  /** What one attempt was allowed, s. */
  seconds: number;
}

export function classify(thrown: unknown, place: CallPlace): NnoeError {
  if (thrown instanceof NnoeError) return thrown;
  const reason = hasStatus(thrown) ? thrown.details : String(thrown);
  const status = hasStatus(thrown) ? thrown.code : -1;
  let code = byText.find(([pattern]) => pattern.test(reason))?.[1] ?? byStatus[status] ?? 'STORE_FAILED';
  let why = reason;
  const connecting = code === 'STORE_UNREACHABLE' || code === 'STORE_TIMEOUT' || code === 'STORE_CERTIFICATE';
  const fault = connecting ? certificateFault(place.certificate) : undefined;
  if (fault !== undefined) {
    code = 'STORE_CERTIFICATE';
    why = fault;
  }
  return new NnoeError(code, { endpoint: place.endpoint, reason: why, seconds: place.seconds }, thrown);
}
