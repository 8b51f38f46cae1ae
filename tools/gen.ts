// SPDX-License-Identifier: MPL-2.0
// Derives what is written down elsewhere: from proto/nnoe.proto the TypeScript codec and the C++ field numbers,
// from native/shm the layout numbers that TypeScript needs, from the tables and schemas of the host and its plugins
// the pages of docs/reference, from the commands docs/cli.md. All are committed; running this twice leaves no difference. An argument names another
// directory to write below.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { catalogue } from '../src/host/config/catalogue.js';
import { markdownReference, sampleFile, schemaFile } from '../src/host/config/reference.js';
import type { MessageSpec } from '../src/host/messages.js';
import { plugins } from '../src/plugins/plugins.js';
import { cliPage } from './gen/cli.js';
import { cppHeader } from './gen/cpp.js';
import { hookMessages } from './gen/hook-messages.js';
import { layoutModule } from './gen/layout.js';
import { programModule } from './gen/program.js';
import { errorsPage, messagesPage, metricsPage } from './gen/reference.js';
import { typescriptCodec } from './gen/typescript.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

function write(path: string, text: string): void {
  const file = join(process.argv[2] ?? root, path);
  // What is as it was keeps its time, so that nothing is compiled again for it.
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.log(`wrote ${path}`);
}

const text = (path: string) => readFileSync(join(root, path), 'utf8');

const source = text('proto/nnoe.proto');
const parsed = protobuf.parse(source, { keepCase: true, alternateCommentMode: true });
const schema = parsed.root.resolveAll().lookup(parsed.package ?? '');
if (!(schema instanceof protobuf.Namespace)) throw new Error('proto/nnoe.proto has no package');

write('src/host/gen/events.ts', typescriptCodec(schema));
write('native/shm/gen/event_fields.h', cppHeader(schema));
write('src/host/gen/layout.ts', layoutModule(text('native/shm/producer.h'), text('native/shm/layout.h')));
write(
  'src/host/gen/program.ts',
  programModule(
    text('native/shm/tables/program_format.h'),
    text('native/shm/tables/layout.h'),
    text('native/shm/tables/ruling_wire.h'),
  ),
);
write('docs/reference/metrics.md', metricsPage(plugins));
write('docs/reference/errors.md', errorsPage());
const logged = await Promise.all(
  plugins.map(async ({ name }): Promise<[string, Record<string, MessageSpec>]> => {
    const { messages } = await import(`../src/plugins/${name}/messages.js`);
    return [name, messages];
  }),
);
const ofHook = hookMessages(text('native/kea-hook/nnoe_messages.mes'));
write('docs/reference/messages.md', messagesPage(new Map(logged), ofHook));
write('docs/cli.md', cliPage());

const keys = catalogue(plugins);
write('docs/reference/configuration.md', markdownReference(keys));
write('docs/reference/nnoe.toml', sampleFile(keys));
write('docs/reference/nnoe.schema.json', schemaFile(plugins));
