#!/bin/bash
# SPDX-License-Identifier: MPL-2.0
# One formatter and one linter for each language, over the whole tree; any finding is an error.
#   tools/lint.sh           checks
#   tools/lint.sh --write   formats in place first
#   tools/lint.sh --quick   leaves clang-tidy out, which takes minutes the first time
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
status=0

mapfile -t cpp < <(git -c safe.directory="*" ls-files -co --exclude-standard '*.cc' '*.h' | sort)
if [ "${1:-}" = --write ]; then
  node_modules/.bin/biome check --write . || status=1
  node_modules/.bin/clang-format -i "${cpp[@]}" || status=1
fi
node_modules/.bin/biome check --error-on-warnings . || status=1
[ ${#cpp[@]} = 0 ] || node_modules/.bin/clang-format --dry-run --Werror "${cpp[@]}" || status=1

[ "${1:-}" != --quick ] || exit $status

# clang-tidy takes seconds a file: a stamp keeps what was clean, until the file, a header of ours that it includes (the
# compiler wrote down which) or the rules change.
tidy() {
  local file=$1 stamp=build/tidy/$1.ok out=build/tidy/out.$$ depends key flags=()
  depends=$(find build -path build/asan -prune -o -path build/tsan -prune -o -path "*/$(basename "$file").o.d" -print | head -1)
  key=$({ cat "$file" .clang-tidy
    [ -z "$depends" ] || grep -oE "$PWD/[^ ]+\.h" "$depends" | sort -u | xargs -r cat; } | sha256sum)
  [ "$(cat "$stamp" 2>/dev/null)" != "$key" ] || return 0
  grep -qF "$PWD/$file" compile_commands.json || flags=(-- -std=c++17 -Inative)
  if clang-tidy --quiet -p build "$file" "${flags[@]}" 2>/dev/null >"$out"; then
    rm -f "$out"
    mkdir -p "$(dirname "$stamp")" && echo "$key" >"$stamp"
  else
    cat "$out"
    rm -f "$out"
    echo "clang-tidy: $file" >&2
    return 1
  fi
}
export -f tidy

[ -f compile_commands.json ] || { echo 'lint: no compile_commands.json: run make build' >&2; exit 1; }
mkdir -p build/tidy
printf '%s\n' "${cpp[@]}" | grep '\.cc$' | xargs -r -P "${JOBS:-2}" -I{} bash -c 'tidy {}' || status=1

exit $status
