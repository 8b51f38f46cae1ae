// SPDX-License-Identifier: MPL-2.0
// Completion as the shells themselves do it: bash with its variables set, zsh at a press of Tab on a terminal.

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { inProcess, inShell, type Ran } from '../../../test/lib/cli.js';
import { cleanUp, temporary } from '../../../test/lib/host-stage.js';

test.after(cleanUp);

const script = async (shell: string) => {
  const { status, out } = await inProcess(['completion', shell]);
  assert.is(status, 0);
  return out;
};

/** What bash offers for lines whose last word is being typed; as bash splits them, at = too. */
async function bash(directory: string, lines: string[][]): Promise<string[]> {
  const file = join(directory, 'nnoe.bash');
  writeFileSync(file, await script('bash'));
  const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`;
  const tries = lines.map(
    (words) =>
      `COMP_WORDS=(${words.map(quoted).join(' ')}); COMP_CWORD=${words.length - 1}; COMPREPLY=(); _nnoe; echo "$(echo "\${COMPREPLY[@]}")"`,
  );
  // Twice, as when a shell reads its startup file again; errors of any command end it.
  const ran = await inShell(`set -u; cd ${directory}; source ${file}; source ${file}\n${tries.join('\n')}`);
  assert.equal([ran.status, ran.err], [0, '']);
  return ran.out.split('\n').slice(0, -1);
}

test('bash completes commands, options, choices and files', async () => {
  const directory = temporary();
  writeFileSync(join(directory, 'my host.toml'), '');
  mkdirSync(join(directory, 'etc'));
  const cases: [words: string[], offered: string][] = [
    [
      ['nnoe', ''],
      'host check status leases roles lists policies why top store resync setup plugins config bench completion help',
    ],
    [['nnoe', 'st'], 'status store'],
    [['nnoe', 'x'], ''],
    [['nnoe', '--n'], '--no-color'],
    [['nnoe', '--no-color', 're'], 'resync'],
    [['nnoe', 'status', '--s'], '--socket'],
    [['nnoe', 'status', ''], ''],
    [['nnoe', 'leases', '--'], '--watch --ipv4 --ipv6 --socket --config --json --help --version --no-color'],
    [['nnoe', 'leases', '-w', '--j'], '--json'],
    [['nnoe', 'completion', ''], 'bash zsh'],
    [['nnoe', 'bench', 'na'], 'names'],
    [['nnoe', 'completion', '--json', 'z'], 'zsh'],
    [['nnoe', 'completion', 'bash', ''], ''],
    [['nnoe', 'plugins', 'l'], 'leases lists'],
    [['nnoe', 'help', 'pl'], 'plugins'],
    [['nnoe', 'policies', ''], 'lint'],
    [['nnoe', 'policies', 'lint', ''], 'etc my host.toml nnoe.bash'],
    [['nnoe', 'policies', 'lint', 'etc', 'm'], 'my host.toml'],
    [['nnoe', 'policies', 'lint', '--j'], '--json'],
    [['nnoe', 'status', '--config', 'm'], 'my host.toml'],
    [['nnoe', 'status', '--config', '=', 'm'], 'my host.toml'],
    [['nnoe', 'status', '--config', '='], 'etc my host.toml nnoe.bash'],
    [['nnoe', '--config', 'status', ''], ''],
    [['nnoe', 'status', '--config', 'completion', '--js'], '--json'],
    [['nnoe', 'status', '--config', '=', 'x', '--js'], '--json'],
    [['nnoe', 'resync', '--timeout', ''], ''],
  ];
  const offered = await bash(
    directory,
    cases.map(([words]) => words),
  );
  for (const [i, [words, expected]] of cases.entries())
    assert.is(offered[i]?.split(' ').sort().join(' '), expected.split(' ').sort().join(' '), words.join(' '));
});

test('nothing that stands on the line is run', async () => {
  const directory = temporary();
  const evil = ['$(touch ran)', '`touch ran`', '; touch ran', '*', "'"];
  await bash(
    directory,
    evil.flatMap((word) => [
      ['nnoe', 'leases', word, ''],
      ['nnoe', 'status', '--config', word],
      ['nnoe', word],
    ]),
  );
  const { out } = await inShell(`ls ${directory}`);
  assert.is(out, 'nnoe.bash\n');
});

/** Types into a zsh on a terminal of its own; resolves with the line as it then stands. */
async function zsh(directory: string, typed: string): Promise<string> {
  const rc = `PS1=; autoload -Uz compinit; compinit -u -d ${directory}/dump; source ${directory}/nnoe.zsh
zle-show() { print -r -- "<<$BUFFER>>" >${directory}/line; exit }; zle -N zle-show; bindkey '^X' zle-show
unsetopt LIST_BEEP; print ready`;
  writeFileSync(join(directory, '.zshrc'), rc);
  const child = spawn('script', ['-qec', 'stty cols 200 rows 50; exec zsh -i', '/dev/null'], {
    env: { PATH: process.env.PATH, ZDOTDIR: directory, TERM: 'xterm', HOME: directory },
    cwd: directory,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ran: Ran = { status: null, out: '', err: '' };
  let sent = false;
  child.stdout.setEncoding('utf8').on('data', (text) => {
    ran.out += text;
    if (!sent && ran.out.includes('ready')) {
      sent = true;
      setTimeout(() => child.stdin.write(typed), 100);
      setTimeout(() => child.stdin.write('\x18'), 400);
    }
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await new Promise((closed) => child.once('close', closed));
  clearTimeout(timer);
  return /<<(.*)>>/s.exec(readFileSync(join(directory, 'line'), 'utf8'))?.[1] ?? ran.out;
}

test('zsh completes the same at a press of Tab', async () => {
  const directory = temporary();
  const cases: [typed: string, line: string][] = [
    ['nnoe sta\t', 'nnoe status '],
    ['nnoe comp\tz\t', 'nnoe completion zsh '],
    ['nnoe leases --wat\t', 'nnoe leases --watch '],
    ['nnoe plugins le\t', 'nnoe plugins leases '],
    ['nnoe status --config only\t', 'nnoe status --config only.toml '],
    ['nnoe --no-c\tres\t--time\t', 'nnoe --no-color resync --timeout='],
  ];
  const lines = await Promise.all(
    cases.map(async ([typed], i) => {
      const own = join(directory, String(i));
      mkdirSync(own);
      writeFileSync(join(own, 'nnoe.zsh'), await script('zsh'));
      writeFileSync(join(own, 'only.toml'), '');
      return zsh(own, typed);
    }),
  );
  assert.equal(
    lines.map((line) => line.trim()),
    cases.map(([, line]) => line.trim()),
  );
});

test('with --json the script comes in one document', async () => {
  const { out } = await inProcess(['completion', 'zsh', '--json']);
  assert.equal(JSON.parse(out), { shell: 'zsh', script: await script('zsh') });
});

test.run();
