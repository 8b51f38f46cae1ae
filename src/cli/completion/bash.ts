// SPDX-License-Identifier: MPL-2.0
// A completion script for bash (4 or later), without any other script or program: nothing is run at a press of Tab, and
// nothing that stands on the command line is evaluated.
import type { Branch, Flag, Value } from './tree.js';

export function bashScript(root: Branch): string {
  const all = flatten(root, root.name);
  return `# bash completion for ${root.name}, made by \`${root.name} completion bash\`
_${root.name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at=${root.name} word value= options= words=
  local -i i given=0
  # --option=value comes as three words.
  [[ $cur == = ]] && cur=
  [[ $prev == = ]] && prev=\${COMP_WORDS[COMP_CWORD-2]}
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $value ]]; then
      [[ $word == = ]] || value=
      continue
    fi
    case "$at $word" in
${arms([...valued(all), ...branches(all)])}
      *' -'*) ;;
      *) given+=1 ;;
    esac
  done
  COMPREPLY=()
  case "$at $prev" in
${arms(optionValues(all))}
  esac
  case $at in
${arms(all.map(([at, branch]) => [[at], wordsOf(branch)]))}
  esac
  if [[ $cur == -* ]]; then
    words=$options
  elif [[ $words == :file: ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    return
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _${root.name} ${root.name}
`;
}

/** Patterns and what is done for them. */
type Arm = [patterns: string[], work: string];
type Place = [at: string, branch: Branch];

const flatten = (branch: Branch, at: string): Place[] => [
  [at, branch],
  ...branch.branches.flatMap((each) => flatten(each, `${at}/${each.name}`)),
];

const arms = (all: readonly Arm[]) =>
  all.map(([patterns, work]) => `      ${patterns.map(quoted).join('|')}) ${work} ;;`).join('\n');

/** Options whose value is the next word. */
const valued = (all: readonly Place[]): Arm[] =>
  all.flatMap(([at, { flags }]) => {
    const patterns = flags
      .filter(({ value }) => value)
      .flatMap(({ names }) => names.map((n) => `${at} ${n}`));
    return patterns.length === 0 ? [] : [[patterns, 'value=1'] as Arm];
  });

const branches = (all: readonly Place[]): Arm[] =>
  all.flatMap(([at, branch]) =>
    branch.branches.map((each): Arm => [[`${at} ${each.name}`], `at=${quoted(`${at}/${each.name}`)}`]),
  );

const optionValues = (all: readonly Place[]): Arm[] =>
  all.flatMap(([at, { flags }]) =>
    flags.flatMap(({ names, value }: Flag): Arm[] =>
      value === undefined ? [] : [[names.map((name) => `${at} ${name}`), complete(value)]],
    ),
  );

const complete = ({ words, file }: Value): string =>
  file
    ? 'compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return'
    : `mapfile -t COMPREPLY < <(compgen -W ${quoted(words.join(' '))} -- "$cur"); return`;

function wordsOf({ flags, values, branches: below }: Branch): string {
  const options = flags.flatMap(({ names }) => names).join(' ');
  const names = below.map(({ name }) => name).join(' ');
  const choices = values.map(({ words, file, many }, i): [string, string] => [
    many ? '*' : String(i),
    file ? ':file:' : words.join(' '),
  ]);
  const words = below.length > 0 ? quoted(names) : choose(choices);
  return `options=${quoted(options)}; words=${words}`;
}

/** By how many arguments stand there already. */
const choose = (choices: readonly [given: string, words: string][]) =>
  choices.length === 0
    ? "''"
    : `$(case $given in ${choices.map(([given, words]) => `${given}) echo ${quoted(words)} ;;`).join(' ')} esac)`;

const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
