// SPDX-License-Identifier: MPL-2.0
// Our hook in a configuration of Kea: put in, changed, taken out again. Pure: text to text.
import { basename } from 'node:path';
import { findNodeAtLocation, type Node } from 'jsonc-parser';
import { insertFirst, removeChild } from './kea-children.js';
import { type KeaText, readKea } from './kea-text.js';
import { type Edit, edited, forPeople, fromPeople, refuse } from './text-edit.js';

export const hookName = 'libdhcp_etcd.so';

export interface KeaHook {
  library: string;
  journalDirectory: string;
}

export interface KeaEdit {
  text: string;
  /** What stands there afterwards; undefined when there is no hook of ours. */
  hook?: { library: string; journalDirectory: string | undefined };
}

/**
 * @param usual what is written where nothing stands. @param wanted what is to stand there whatever does.
 * @throws NnoeError SETUP_TEXT
 */
export function addHook(
  file: string,
  text: string,
  family: 4 | 6,
  usual: KeaHook,
  wanted: Partial<KeaHook> = {},
): KeaEdit {
  const kea = readKea(file, text);
  const { server, libraries, ours } = find(kea, family);
  if (ours !== undefined) return changed(kea, ours, wanted);
  const hook = { ...usual, ...wanted };
  if (libraries !== undefined) {
    refuseIncludes(kea, libraries, 'hooks-libraries');
    return {
      text: edited(
        text,
        insertFirst(kea, libraries, (unit) => element(hook, unit)),
      ),
      hook,
    };
  }
  refuseIncludes(kea, server, `Dhcp${family}`);
  const member = (unit: string) => [
    '"hooks-libraries": [',
    ...element(hook, unit).map((line) => unit + line),
    ']',
  ];
  return { text: edited(text, insertFirst(kea, server, member)), hook };
}

/** The same text when there is none of ours. @throws NnoeError SETUP_TEXT */
export function removeHook(file: string, text: string, family: 4 | 6): KeaEdit {
  const kea = readKea(file, text);
  const { libraries, ours } = find(kea, family);
  if (libraries?.parent === undefined || ours === undefined) {
    if (libraries !== undefined) refuseIncludes(kea, libraries, 'hooks-libraries');
    return { text };
  }
  const alone = libraries.children?.length === 1 && !comments(kea, libraries, ours);
  const [container, child] = alone ? [libraries.parent.parent as Node, libraries.parent] : [libraries, ours];
  return { text: edited(text, removeChild(kea, container, child)) };
}

const comments = (kea: KeaText, whole: Node, except: Node) =>
  kea.comments.some(({ offset }) => within(whole, offset) && !within(except, offset));

const within = ({ offset, length }: Node, at: number) => at >= offset && at < offset + length;

function element({ library, journalDirectory }: KeaHook, unit: string): string[] {
  const quoted = (text: string) => fromPeople(JSON.stringify(text));
  return [
    '{',
    `${unit}"library": ${quoted(library)},`,
    `${unit}"parameters": { "journal-directory": ${quoted(journalDirectory)} }`,
    '}',
  ];
}

interface Places {
  server: Node;
  libraries?: Node;
  ours?: Node | undefined;
}

function find(kea: KeaText, family: 4 | 6): Places {
  const { file, text, root, includes } = kea;
  const name = `Dhcp${family}`;
  const server = findNodeAtLocation(root, [name]);
  if (server === undefined) {
    const [other] = includes;
    if (other !== undefined)
      return refuse(file, text, other.offset, 'an include', `"${name}" in this file; --config names another`);
    return refuse(file, text, root.offset, `no "${name}"`, `the configuration of kea-dhcp${family}`);
  }
  mustBe(kea, server, 'object', name);
  const libraries = findNodeAtLocation(server, ['hooks-libraries']);
  if (libraries === undefined) return { server };
  mustBe(kea, libraries, 'array', 'hooks-libraries');
  const ours = libraries.children?.filter((each) => basename(textAt(each, ['library']) ?? '') === hookName);
  if (ours !== undefined && ours.length > 1)
    return refuse(file, text, ours[1]?.offset ?? 0, `${hookName} a second time`, 'it once');
  return { server, libraries, ours: ours?.[0] };
}

function mustBe(kea: KeaText, node: Node, type: 'object' | 'array', name: string): void {
  if (node.type === type) return;
  const included = kea.includes.some(({ offset }) => offset === node.offset);
  const found = included ? 'an include' : `${/^[ao]/.test(node.type) ? 'an' : 'a'} ${node.type}`;
  refuse(kea.file, kea.text, node.offset, `${found} as "${name}"`, `an ${type} in this file`);
}

/** What an include brings may be our hook, or the list that it has to be in. */
function refuseIncludes({ file, text, includes }: KeaText, container: Node, name: string): void {
  const of = (offset: number) => container.children?.some((child) => child.offset === offset);
  const found = includes.find(({ offset }) => of(offset));
  if (found !== undefined)
    refuse(
      file,
      text,
      found.offset,
      `an include in "${name}"`,
      'all of it in this file, as the include may hold the hook',
    );
}

function textAt(node: Node, path: string[]): string | undefined {
  const value = node.type === 'object' ? findNodeAtLocation(node, path)?.value : undefined;
  return typeof value === 'string' ? forPeople(value) : undefined;
}

function changed(kea: KeaText, ours: Node, wanted: Partial<KeaHook>): KeaEdit {
  const { library, journalDirectory } = wanted;
  const now = {
    library: textAt(ours, ['library']) ?? '',
    journalDirectory: textAt(ours, ['parameters', 'journal-directory']),
  };
  const edits: Edit[] = [];
  const replace = (path: string[], value: string) => {
    const { offset, length } = findNodeAtLocation(ours, path) as Node;
    edits.push({ offset, length, text: fromPeople(JSON.stringify(value)) });
  };
  if (library !== undefined && library !== now.library) replace(['library'], library);
  if (journalDirectory !== undefined && journalDirectory !== now.journalDirectory) {
    if (now.journalDirectory !== undefined) replace(['parameters', 'journal-directory'], journalDirectory);
    else edits.push(...parameter(kea, ours, journalDirectory));
  }
  return {
    text: edited(kea.text, edits),
    hook: { library: library ?? now.library, journalDirectory: journalDirectory ?? now.journalDirectory },
  };
}

function parameter(kea: KeaText, ours: Node, directory: string): Edit[] {
  const member = `"journal-directory": ${fromPeople(JSON.stringify(directory))}`;
  const parameters = findNodeAtLocation(ours, ['parameters']);
  if (parameters === undefined) return insertFirst(kea, ours, () => [`"parameters": { ${member} }`]);
  mustBe(kea, parameters, 'object', 'parameters');
  return insertFirst(kea, parameters, () => [member]);
}
