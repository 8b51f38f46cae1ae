// SPDX-License-Identifier: MPL-2.0
// Has the embedded store of a host that is stopped say that it is of this format, as another release would.
//   store-format.mjs FORMAT
import { readdirSync } from 'node:fs';

const directory = '/var/lib/nnoe/store';
const { metaKey, openWriteTables } = await import('/usr/lib/nnoe/dist/src/host/store/embedded-env.js');
const name = readdirSync(directory).find((each) => each.endsWith('.mdb'));
const { environment, meta } = openWriteTables(`${directory}/${name}`);
await meta.put(metaKey, { ...meta.get(metaKey), format: Number(process.argv[2]) });
await environment.close();
