// SPDX-License-Identifier: MPL-2.0
// docs/plugins.md, followed: its files written, its commands run, in the order in which they stand.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { link, pack, run, temporary, unpack } from './npm.js';
import { tree } from './tree.js';

/** A file to write (the line before the block names it), or commands to type. */
export type Step = { file: string; text: string } | { commands: string[] };

export function steps(document: string): Step[] {
  const blocks = document.matchAll(/(?:^`([\w./-]+)`\n\n)?^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...blocks].map(([whole, file, language, text = '']) => {
    if (language === 'sh') return { commands: text.trim().split('\n') };
    if (file === undefined) throw new Error(`a block without a file's name before it:\n${whole}`);
    return { file, text };
  });
}

export interface Followed {
  /** Where the page's reader is at the end. */
  directory: string;
  /** What each command printed. */
  printed: Record<string, string>;
  /** Commands of `nnoe`, left to the caller. */
  left: string[];
}

/** Follows docs/plugins.md in a directory of its own. */
export function follow(): Followed {
  const home = temporary('guide');
  pack(tree, home);
  const followed: Followed = { directory: home, printed: {}, left: [] };
  for (const step of steps(readFileSync(join(tree, 'docs/plugins.md'), 'utf8'))) {
    if ('file' in step) {
      const place = join(followed.directory, step.file);
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, step.text);
    } else for (const command of step.commands) type(followed, command);
  }
  return followed;
}

function type(followed: Followed, command: string): void {
  const { directory } = followed;
  const [program = '', ...words] = command.split(' ');
  const [, prefix, tarball] = /^npm install --prefix (\S+) (\S+\.tgz)$/.exec(command) ?? [];
  if (prefix !== undefined && tarball !== undefined) {
    // The real npm, to a place of ours; it needs no registry, or the page's reader would need one too.
    const place = join(directory, '..', prefix);
    run(directory, 'npm', 'install', '--offline', '--no-audit', '--no-fund', '--prefix', place, tarball);
  } else if (program === 'cd') followed.directory = join(directory, words[0] ?? '');
  else if (command.startsWith('npm install ')) install(directory, words.slice(1));
  else if (command.startsWith('npx nnoe ')) followed.left.push(command);
  else followed.printed[command] = run(directory, 'bash', '-c', command);
}

/** As `npm install` would, see npm.ts: NNOE from the tarball that the page names, the rest from this tree. */
function install(directory: string, words: string[]): void {
  for (const word of words.filter((each) => !each.startsWith('-'))) {
    if (!word.endsWith('.tgz')) link(directory, word);
    else {
      const nnoe = unpack(join(directory, word), directory, 'nnoe');
      const { dependencies, bin } = JSON.parse(readFileSync(join(nnoe, 'package.json'), 'utf8'));
      link(directory, ...Object.keys(dependencies));
      mkdirSync(join(directory, 'node_modules/.bin'), { recursive: true });
      writeFileSync(
        join(directory, 'node_modules/.bin/nnoe'),
        `#!/bin/sh\nexec ${process.execPath} ${join(nnoe, bin.nnoe)} "$@"\n`,
        { mode: 0o755 },
      );
    }
  }
}
