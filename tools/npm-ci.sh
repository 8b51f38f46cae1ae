#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Installs the npm packages that package-lock.json names, unless node_modules holds exactly these already.
set -euo pipefail
cd "$(dirname "$0")/.."

# npm writes down what it installed; what a lock file says more (optional packages of other platforms) does not count.
current() {
  node -e '
    const { readFileSync: read } = require("node:fs");
    const packages = (file) => { try { return JSON.parse(read(file, "utf8")).packages } catch { return undefined } };
    const want = packages("package-lock.json"), have = packages("node_modules/.package-lock.json");
    const differs = !have || Object.entries(want).some(([at, p]) => at !== "" &&
      (have[at] ? have[at].version !== p.version || have[at].integrity !== p.integrity : !p.optional));
    process.exit(differs ? 1 : 0)'
}

current && exit 0
echo "npm ci: installing what package-lock.json names"
npm ci --no-audit --no-fund --loglevel=error
