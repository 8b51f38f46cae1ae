// SPDX-License-Identifier: MPL-2.0
// `node dist/bench/main.js hook`: `nnoe bench hook` of a checkout.
import { processIo } from '../src/cli/io.js';
import { main } from '../src/cli/main.js';

process.exit(await main(['bench', ...process.argv.slice(2)], processIo()));
