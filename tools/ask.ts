// SPDX-License-Identifier: MPL-2.0
// Sends one command to Kea's control socket and prints the answer:
//   node dist/tools/ask.js SOCKET COMMAND [ARGUMENTS-AS-JSON]
import { exchange } from '../test/daemons/lib/kea.js';

const [socket, command, json] = process.argv.slice(2);
if (!socket || !command) {
  console.error('usage: ask.js SOCKET COMMAND [ARGUMENTS-AS-JSON]');
  process.exit(2);
}
try {
  const request = json === undefined ? { command } : { command, arguments: JSON.parse(json) as unknown };
  const answer = JSON.parse(await exchange(socket, JSON.stringify(request), 20_000)) as { result: number };
  console.log(JSON.stringify(answer, undefined, 2));
  process.exitCode = answer.result === 0 ? 0 : 1;
} catch (error) {
  console.error(`${socket}: ${(error as Error).message}`);
  process.exitCode = 1;
}
