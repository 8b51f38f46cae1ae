#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# Builds the native parts: `release` (addon, hook, tests) into build/, `package` (where tests were not built yet: the same
# without them, and with Debian's hardening), `asan` and `tsan` (hook, tests) into build/asan and build/tsan, `fuzz` into
# build/fuzz. Incremental: says nothing when nothing had to be done.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
variant=${1:-release}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# A build directory that was made for another place, or whose configuration failed, cannot be used on.
forget_foreign() {
  local cache=$1/CMakeCache.txt
  [ -f "$cache" ] || return 0
  [ -f "$1/Makefile" ] &&
    grep -qx "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache" ||
    rm -rf "$cache" "$1/CMakeFiles"
}

# What is compiled is shown as it is, everything when something went wrong.
quietly() {
  if ! "$@" 2>&1 | tee "$log" | { grep --line-buffered -E 'Building|warning|NNOE|Kea' || true; }; then
    cat "$log" >&2
    echo "native ($variant): the build failed" >&2
    exit 1
  fi
}

# Headers of the Node.js in use, when they are installed beside it; cmake-js and node-gyp download them otherwise.
local_headers() {
  node -e '
    const { readFileSync: read } = require("node:fs"), { dirname } = require("node:path");
    const here = dirname(dirname(require("node:fs").realpathSync(process.execPath)));
    for (const prefix of [process.env.npm_config_nodedir, here, "/usr", "/usr/local"]) {
      try {
        const text = read(`${prefix}/include/node/node_version.h`, "utf8");
        const number = (name) => /\d+/.exec(text.split(`#define NODE_${name}_VERSION`)[1])[0];
        if (number("MAJOR") === process.versions.node.split(".")[0]) { console.log(prefix); break }
      } catch {}
    }'
}

case $variant in
  release | package)
    forget_foreign build
    options=(--CDNNOE_TESTS=ON)
    if [ "$variant" = package ]; then
      options=()
      if ! grep -qs '^NNOE_TESTS:BOOL=ON' build/CMakeCache.txt; then
        options=(--CDNNOE_TESTS=OFF)
        NNOE_HARDENING="$(dpkg-buildflags --get CPPFLAGS) $(dpkg-buildflags --get CXXFLAGS)"
        export NNOE_HARDENING
      fi
    fi
    nodedir=$(local_headers)
    [ -z "$nodedir" ] || export npm_config_nodedir=$nodedir
    quietly node_modules/.bin/cmake-js build --log-level error --prefer-make --parallel "${JOBS:-2}" "${options[@]}"
    ln -sf build/compile_commands.json compile_commands.json
    ;;
  asan | tsan | fuzz)
    case $variant in
      asan) options=(-DNNOE_SANITIZE=address,undefined) ;;
      tsan) options=(-DNNOE_SANITIZE=thread) ;;
      fuzz) options=(-DNNOE_FUZZ=ON -DNNOE_TESTS=OFF -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++) ;;
    esac
    forget_foreign "build/$variant"
    [ -f "build/$variant/Makefile" ] || quietly cmake -S . -B "build/$variant" -G 'Unix Makefiles' "${options[@]}"
    quietly cmake --build "build/$variant" --parallel "${JOBS:-2}"
    ;;
  *)
    echo "usage: tools/native.sh release|package|asan|tsan|fuzz" >&2
    exit 2
    ;;
esac
