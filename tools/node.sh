#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Prints the directory of a Node.js of version 20 or later that has npm beside it or on the PATH. Looks at $NODE,
# the PATH, and where packages and installers put it, because sudo and cron have a short PATH.
set -u
need=20
seen=

for candidate in "${NODE:-}" "$(command -v node || true)" /usr/local/bin/node /usr/bin/node /usr/bin/nodejs /opt/node*/bin/node; do
  [ -x "$candidate" ] || continue
  version=$("$candidate" -p process.versions.node 2>/dev/null) || continue
  if [ "${version%%.*}" -ge $need ]; then
    dir=$(dirname "$candidate")
    PATH="$dir:$PATH" command -v npm >/dev/null || { echo "Node.js $version is at $candidate, but there is no npm: install the package npm" >&2; exit 1; }
    echo "$dir"
    exit 0
  fi
  [[ "$seen" == *"$candidate "* ]] || seen="$seen $candidate ($version)"
done
echo "NNOE needs Node.js $need or later; found:${seen:- none}." >&2
echo "Install it (Debian 13: apt install nodejs npm; Debian 12: https://nodejs.org/en/download) or say where it is: make NODE=/path/to/node ..." >&2
exit 1
