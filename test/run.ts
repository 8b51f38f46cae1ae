// SPDX-License-Identifier: MPL-2.0
// The test driver: every test file in its own process, failures in full, and one line at the end.
//   node dist/test/run.js [--fast]     FILTER=regex narrows, KEEP=1 keeps temporary directories
import { availableParallelism } from 'node:os';
import { type Job, nativeJobs, typescriptJobs } from './driver/discover.js';
import { endEverything, execute, type Result } from './driver/execute.js';

const root = process.cwd();
const fastOnly = process.argv.includes('--fast');

function jobs(): Job[] {
  const variants = fastOnly ? (['release'] as const) : (['release', 'asan', 'tsan'] as const);
  const all = [...variants.flatMap((variant) => nativeJobs(root, variant)), ...typescriptJobs(root)];
  const filter = new RegExp(process.env.FILTER ?? '');
  return all.filter((job) => filter.test(job.name) && !(fastOnly && job.lane === 'slow'));
}

function report({ job, output, passed, failed, seconds, trouble }: Result): void {
  const time = `${seconds.toFixed(1)} s`.padStart(8);
  if (failed === 0) {
    console.log(`ok    ${String(passed).padStart(4)} passed ${time}  ${job.name}`);
    return;
  }
  console.log(`FAIL  ${String(failed).padStart(4)} failed ${time}  ${job.name}`);
  console.log(output.replace(/^/gm, '  | '));
  if (trouble) console.log(`  ${trouble}`);
}

async function lane(queue: Job[], width: number): Promise<Result[]> {
  const results: Result[] = [];
  const worker = async () => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      const result = await execute(job);
      report(result);
      results.push(result);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(name, () => void endEverything().finally(() => process.exit(130)));
}

const all = jobs();
if (all.length === 0) {
  console.error('no test file matches');
  process.exit(2);
}
const fast = all.filter((job) => job.lane === 'fast');
const slow = all.filter((job) => job.lane === 'slow');
const results = [...(await lane(fast, Math.min(2, availableParallelism()))), ...(await lane(slow, 1))];

const broken = results.filter((result) => result.failed > 0);
if (broken.length > 0) console.log(`\nfailed:\n${broken.map(({ job }) => `  ${job.name}`).join('\n')}`);
const total = (key: 'passed' | 'failed') => results.reduce((sum, result) => sum + result[key], 0);
console.log(`${total('passed')} passed, ${total('failed')} failed`);
process.exitCode = broken.length > 0 ? 1 : 0;
