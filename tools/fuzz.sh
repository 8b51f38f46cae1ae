#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Builds the fuzz targets with clang, ASan and UBSan, and runs each for RUNS cases (default 1,000,000).
# Then as many mutated events go through the TypeScript decoder. New inputs are kept in build/fuzz/corpus; one
# that fails is written to build/fuzz and named.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
runs=${RUNS:-1000000}
tools/native.sh fuzz || exit 1

status=0
found=0
for target in build/fuzz/fuzz/*; do
  [ -x "$target" ] || continue
  found=$((found + 1))
  name=$(basename "$target")
  corpus=build/fuzz/corpus/$name
  mkdir -p "$corpus"
  start=$SECONDS
  if "$target" -runs="$runs" -artifact_prefix="build/fuzz/$name-" -print_final_stats=1 "$corpus" >"build/fuzz/$name.log" 2>&1; then
    echo "$name: $runs cases clean in $((SECONDS - start)) s"
  else
    tail -40 "build/fuzz/$name.log"
    echo "$name: FAILED; the input is build/fuzz/$name-*, the log build/fuzz/$name.log"
    status=1
  fi
done
node dist/tools/fuzz-events.js --cases "$runs" || status=1
[ $found -gt 0 ] || { echo "no fuzz target was built" >&2; exit 1; }
exit $status
