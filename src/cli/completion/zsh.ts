// SPDX-License-Identifier: MPL-2.0
// A completion script for zsh; works sourced (after compinit) and as a file `_nnoe` in fpath.
import type { Branch, Flag, Value } from './tree.js';

export function zshScript(root: Branch): string {
  const name = `_${root.name}`;
  return `#compdef ${root.name}
# zsh completion for ${root.name}, made by \`${root.name} completion zsh\`
${functions(root, name).join('\n')}
if [[ $funcstack[1] == ${name} ]]; then
  ${name} "$@"
else
  compdef ${name} ${root.name}
fi
`;
}

/** One for each command; those that have commands below them hand the rest of the line down. */
function functions(branch: Branch, name: string): string[] {
  const flags = branch.flags.map(flagSpec);
  if (branch.branches.length === 0) {
    // An argument with nothing to offer is left out: its mere message keeps zsh from completing options.
    const values = branch.values.flatMap((value, i) =>
      value.file || value.words.length > 0 ? [quoted(`${value.many ? '*' : i + 1}:${valueSpec(value)}`)] : [],
    );
    const specs = [...flags, ...values];
    return [`${name}() {\n  _arguments -S ${specs.join(' \\\n    ')}\n}`];
  }
  const specs = [...flags, quoted(`1:command:->command`), quoted('*::argument:->rest')];
  const described = branch.branches.map((each) => quoted(`${escaped(each.name)}:${escaped(each.about)}`));
  const arms = branch.branches.map((each) => `        ${each.name}) ${name}_${each.name} ;;`);
  return [
    `${name}() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  _arguments -C ${specs.join(' \\\n    ')}
  case $state in
    command)
      local -a commands=(${described.join(' ')})
      _describe command commands
      ;;
    rest)
      case $line[1] in
${arms.join('\n')}
      esac
      ;;
  esac
}`,
    ...branch.branches.flatMap((each) => functions(each, `${name}_${each.name}`)),
  ];
}

/** Names of one option exclude each other; a value stands after a blank or, for long names, after =. */
function flagSpec({ names, about, value }: Flag): string {
  const text = `[${escaped(about).replace(/[[\]]/g, '\\$&')}]`;
  const tail = value === undefined ? '' : `:${valueSpec(value)}`;
  const except = names.length > 1 ? `(${names.join(' ')})` : '';
  return names
    .map((name) =>
      quoted(`${except}${name}${value !== undefined && name.startsWith('--') ? '=' : ''}${text}${tail}`),
    )
    .join(' ');
}

function valueSpec({ name, words, file }: Value): string {
  if (file) return `${name}:_files`;
  return words.length === 0 ? `${name}: ` : `${name}:(${words.join(' ')})`;
}

const escaped = (text: string) => text.replace(/[\\:]/g, '\\$&');
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
