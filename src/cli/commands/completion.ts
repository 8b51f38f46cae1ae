// SPDX-License-Identifier: MPL-2.0
// `nnoe completion`. The scripts are made from the commands by ourselves: of the libraries there are, the one that
// fits (@bomb.sh/tab) passes what stands on the command line through `eval` at every Tab.
import { Argument } from 'commander';
import { bashScript } from '../completion/bash.js';
import { type Branch, branchOf } from '../completion/tree.js';
import { zshScript } from '../completion/zsh.js';
import { jsonOption } from '../configured.js';
import type { Io } from '../io.js';
import type { NnoeCommand } from '../usage.js';

const shells: Record<string, (root: Branch) => string> = { bash: bashScript, zsh: zshScript };

export function register(program: NnoeCommand, io: Io): void {
  (program.command('completion') as NnoeCommand)
    .description('Prints a script that completes `nnoe` commands at a press of Tab.')
    .addArgument(new Argument('<shell>', 'for which shell').choices(Object.keys(shells)))
    .addOption(jsonOption())
    .json('one document: `shell` and `script`.')
    .example('source <(nnoe completion bash)', 'In this bash; put it into ~/.bashrc to keep it.')
    .example(
      'nnoe completion zsh >/usr/local/share/zsh/site-functions/_nnoe',
      'For every zsh from now on, where compinit is used.',
    )
    .action(async (shell: string, { json }: { json?: boolean }) => {
      const script = shells[shell]?.(await branchOf(program)) ?? '';
      if (json) await io.out.json({ shell, script });
      else await io.out.write(script);
    });
}
