// SPDX-License-Identifier: MPL-2.0
// Errors of the process: its configuration, addon, HTTP server and service manager; see ../errors.ts.
import type { ErrorSpec } from './spec.js';

export const hostErrors = {
  BENCH_ABSENT: {
    code: 'BENCH_ABSENT',
    message: 'the benchmark harness is not part of this installation: there is no {file}',
    help: 'It belongs to the Debian package nnoe and to a checkout that `make build` has built; the npm package goes without.',
    retry: false,
    exit: 70,
  },
  CERBOS_FAILED: {
    code: 'CERBOS_FAILED',
    message: 'Cerbos cannot be asked about the policies: {reason}',
    help: 'Its program is in the npm package cerbos, and setpriv of util-linux starts it; it needs a directory for temporary files that it may write to (TMPDIR). `npm ci` installs what belongs to this version.',
    retry: false,
    exit: 70,
  },
  CONFIG_INVALID: {
    code: 'CONFIG_INVALID',
    message: 'the configuration is refused, with {count}:\n{faults}',
    help: 'Each line says where (file:line:column, a variable or a flag), which key, what stands there and what was expected. Every fault is listed at once; correct them and start again. Nothing was started. `nnoe config reference KEY` explains a key.',
    retry: false,
    exit: 78,
  },
  CONFIG_MISSING: {
    code: 'CONFIG_MISSING',
    message: 'cannot read the configuration {file}: {reason}',
    help: 'Name the file with --config, and check that the user the host runs as may read it.',
    retry: false,
    exit: 78,
  },
  CREDENTIAL_ABSENT: {
    code: 'CREDENTIAL_ABSENT',
    message: 'there is no credential {name}: {reason}',
    help: 'credential:NAME is a file that systemd gives to the service, with LoadCredential=NAME:/path or SetCredentialEncrypted= in its unit. Outside of the service it cannot be read; name a file by its path instead.',
    retry: false,
    exit: 78,
  },
  HOST_STOP_TIMEOUT: {
    code: 'HOST_STOP_TIMEOUT',
    message: 'stopping took longer than {seconds} s; what was outstanding is given up',
    help: 'Cursors stand at the last batch that was done, so nothing is lost: the rest is delivered again at the next start. It happens when the store does not answer; raise [stop] deadline if it is only slow.',
    retry: true,
    exit: 75,
  },
  HOST_UNHANDLED: {
    code: 'HOST_UNHANDLED',
    message: 'unexpected {what}: {reason}',
    help: 'A fault in the host or in a plugin outside of anything it awaits. The host stops, because its state is no longer known; the service manager starts it again and delivery goes on from the cursors. Please report it with the log line.',
    retry: true,
    exit: 70,
  },
  HTTP_LISTEN: {
    code: 'HTTP_LISTEN',
    message: 'cannot listen on {address}: {reason}',
    help: 'Another process holds the port, or the address is not this machine’s. Change [http] listen, or set it to an empty text to have no HTTP server.',
    retry: false,
    exit: 78,
  },
  NATIVE_LOAD: {
    code: 'NATIVE_LOAD',
    message: 'the native addon does not load: {reason}',
    help: 'It is built by `make build`, for this version of Node; NNOE_NATIVE may name the file.',
    retry: false,
    exit: 78,
  },
  NATIVE_MISMATCH: {
    code: 'NATIVE_MISMATCH',
    message: 'the native addon is of another release: {reason}',
    help: 'build/Release/nnoe_native.node (or the file that NNOE_NATIVE names) was not built from the sources that this host was built from. Run `make build`, or install both from one package; then restart Kea too, whose hook is of the same release.',
    retry: false,
    exit: 78,
  },
  SERVICE_NOTIFY: {
    code: 'SERVICE_NOTIFY',
    message: 'cannot tell the service manager at {socket}: {reason}',
    help: 'NOTIFY_SOCKET names a socket that does not take messages. With Type=notify or WatchdogSec= systemd would take the host for hung and restart it: check NotifyAccess= of the unit, and that nothing hides the socket. The host tries again and works on meanwhile.',
    retry: true,
  },
} as const satisfies Record<string, ErrorSpec>;
