// SPDX-License-Identifier: MPL-2.0
// The documents of this repository, as what they name: code spans, blocks, links, words.
import { files, text } from './tree.js';

/** Written for readers; the changelog may speak of what is gone. */
export const documents: readonly string[] = files.filter(
  (file) => file.endsWith('.md') && file !== 'CHANGELOG.md',
);

const fences = /^```(\w*)\n([\s\S]*?)^```$/gm;

/** What stands outside of blocks. A line that is a span alone names a file of the reader's, in a page to follow. */
export const prose = (document: string): string =>
  text(document)
    .replace(fences, '')
    .replace(/^`[^`]+`$/gm, '');

/** What stands between backticks in a line. */
export const spans = (document: string): string[] =>
  [...prose(document).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '');

/** Lines of blocks in which commands stand, without what follows `#`. */
export const commandLines = (document: string): string[] =>
  [...text(document).matchAll(fences)]
    .filter(([, language]) => language === '' || language === 'sh')
    .flatMap(([, , body = '']) => body.split('\n'))
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');

export interface Link {
  /** Empty: in the same document. */
  path: string;
  anchor: string | undefined;
}

/** Links into the tree. */
export const links = (document: string): Link[] =>
  [...prose(document).matchAll(/\]\(([^)\s]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      return { path, anchor };
    });

/** As GitHub makes them of headings. */
export const anchors = (document: string): string[] =>
  [...prose(document).matchAll(/^#+ (.*)$/gm)].map((match) =>
    (match[1] ?? '')
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
