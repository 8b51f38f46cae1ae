// SPDX-License-Identifier: MPL-2.0
// Derives from proto/nnoe.proto: the TypeScript codec src/host/gen/events.ts and the C++ header
// native/shm/gen/event_fields.h. Both are committed; running this twice leaves no difference. An argument names
// another directory to write below.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { cppHeader } from './gen/cpp.js';
import { typescriptCodec } from './gen/typescript.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

function write(path: string, text: string): void {
  const file = join(process.argv[2] ?? root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`wrote ${path}`);
}

const source = readFileSync(join(root, 'proto/nnoe.proto'), 'utf8');
const parsed = protobuf.parse(source, { keepCase: true, alternateCommentMode: true });
const schema = parsed.root.resolveAll().lookup(parsed.package ?? '');
if (!(schema instanceof protobuf.Namespace)) throw new Error('proto/nnoe.proto has no package');

write('src/host/gen/events.ts', typescriptCodec(schema));
write('native/shm/gen/event_fields.h', cppHeader(schema));
