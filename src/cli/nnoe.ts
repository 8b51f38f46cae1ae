#!/usr/bin/env node
// SPDX-License-Identifier: MPL-2.0
// The `nnoe` command.
import { processIo } from './io.js';
import { main } from './main.js';

process.exit(await main(process.argv.slice(2), processIo()));
