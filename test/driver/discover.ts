// SPDX-License-Identifier: MPL-2.0
// Finds the test files from the sources, so that a stale file in dist/ or build/ is never taken for a test.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One test file: what to run, and within which bounds. */
export interface Job {
  name: string;
  command: string[];
  cwd: string;
  env: Record<string, string>;
  /** Wall-clock limit, s. */
  limit: number;
  /** `fast` ones run side by side; `slow` ones start servers, so one at a time. */
  lane: 'fast' | 'slow';
  /** The test cases are counted from its output in this form. */
  form: 'uvu' | 'native';
}

const SOURCES = ['src', 'test', 'bench', 'tools', 'examples'];
const SLOW = /^test\/(daemons|scenarios|stress|packages)\//;

function walk(directory: string, found: string[] = []): string[] {
  if (!existsSync(directory)) return found;
  for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      // Of an example that somebody built where it lies.
      if (entry.name !== 'node_modules' && entry.name !== 'dist') walk(path, found);
    } else if (entry.name.endsWith('.test.ts')) found.push(path);
  }
  return found;
}

/** A file says `// limit: 300 s` in its first lines when the usual limit does not do. */
function limitOf(path: string, usual: number): number {
  const head = readFileSync(path, 'utf8').slice(0, 1000);
  return Number(/^\/\/ limit: (\d+) s$/m.exec(head)?.[1] ?? usual);
}

export function typescriptJobs(root: string): Job[] {
  return SOURCES.flatMap((directory) => walk(directory)).map((path) => {
    const lane = SLOW.test(path) ? 'slow' : 'fast';
    const compiled = join(root, 'dist', path.replace(/\.ts$/, '.js'));
    return {
      name: path,
      command: [process.execPath, '--enable-source-maps', compiled],
      cwd: root,
      env: {},
      limit: limitOf(path, lane === 'slow' ? 240 : 120),
      lane,
      form: 'uvu',
    };
  });
}

interface CtestProperty {
  name: string;
  value: unknown;
}
interface CtestTest {
  name: string;
  command?: string[];
  properties?: CtestProperty[];
}

const SANITIZER_ENV = {
  ASAN_OPTIONS: 'detect_stack_use_after_return=1:strict_string_checks=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1',
};

function listing(directory: string): CtestTest[] {
  const options = { encoding: 'utf8', maxBuffer: 1 << 24 } as const;
  const text = execFileSync('ctest', ['--test-dir', directory, '--show-only=json-v1'], options);
  return (JSON.parse(text) as { tests: CtestTest[] }).tests;
}

/** The executables that CMake registered with add_test in one build directory; one that fails when there are none. */
export function nativeJobs(root: string, variant: 'release' | 'asan' | 'tsan'): Job[] {
  const directory = join(root, 'build', variant === 'release' ? '' : variant);
  const built = existsSync(join(directory, 'CTestTestfile.cmake'));
  const absent = {
    name: 'not-built',
    command: ['sh', '-c', `echo "${directory} is not built: use make test"; false`],
  };
  return (built ? listing(directory) : [absent as CtestTest]).map(({ name, command, properties = [] }) => {
    const property = (key: string) => properties.find((p) => p.name === key)?.value;
    const environment = (property('ENVIRONMENT') ?? []) as string[];
    return {
      name: `${variant}/${name}`,
      command: command ?? [join(directory, 'test', name)],
      cwd: String(property('WORKING_DIRECTORY') ?? (built ? directory : root)),
      env: { ...SANITIZER_ENV, ...Object.fromEntries(environment.map((pair) => pair.split(/=(.*)/s, 2))) },
      limit: Number(property('TIMEOUT') ?? (variant === 'release' ? 180 : 360)),
      lane: 'fast',
      form: 'native',
    };
  });
}
