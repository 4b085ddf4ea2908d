import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { OpenHandle } from '../../lib/verdict/verdict';
import { runJudged, type JudgedJest } from './judged-jest';
import { startJest, type JestRun, type JestRunOptions } from './jest-run';

const folder = join(__dirname, '../fixtures/defects');

/** What a program of spec/fixtures/defects leaves open, or what a run reported. */
export interface Opened {
  /** `any`: a client that reconnects has either a connection or a timer. */
  readonly kind: string;
  readonly source: string;
  /** `polls` for a test, `describe cache`, `file` or `run`. */
  readonly owner: string;
}

/** One program: a test file with at most one defect. */
export interface Program {
  /** `open/interval.test.js`. */
  readonly file: string;
  /** `undefined` for a clean program. */
  readonly opened: Opened | undefined;
}

/** Lists the programs in a folder of spec/fixtures/defects. */
export function listPrograms(within: 'open' | 'clean' | 'setup'): readonly Program[] {
  return readdirSync(join(folder, within)).map((name) => {
    const file = `${within}/${name}`;
    return { file, opened: markedLine(file) };
  });
}

/** Finds the comment `// opens: <kind> in <owner> [at <another file>:<line>]`, at the end of a line or above it. */
function markedLine(file: string): Opened | undefined {
  const lines = readFileSync(join(folder, file), 'utf8').split('\n');
  const at = lines.findIndex((line) => line.includes('// opens: '));
  const [, kind, owner, place] = /\/\/ opens: (.+?) in (.+?)(?: at (\S+:\d+))?$/.exec(lines[at] ?? '') ?? [];
  if (kind === undefined || owner === undefined) return undefined;
  const isAbove = /^\s*\/\//.test(lines[at] ?? '');
  return { kind, owner, source: place ?? `${file}:${isAbove ? at + 2 : at + 1}` };
}

/** Runs Jest with the programs; `options.args` selects some. */
export async function runPrograms(options: JestRunOptions): Promise<JudgedJest> {
  await using services = await startServices();
  // Awaited here: the services must outlive the run.
  return await runJudged('../defects', withServices(options, services.ports));
}

/** Starts Jest with the programs that `options.args` selects. */
export async function startPrograms(
  options: JestRunOptions,
): Promise<AsyncDisposable & { readonly run: JestRun }> {
  const services = await startServices();
  const run = await startJest('../defects', withServices(options, services.ports));
  return {
    run,
    async [Symbol.asyncDispose]() {
      await run.close();
      await services[Symbol.asyncDispose]();
    },
  };
}

function withServices(options: JestRunOptions, ports: string): JestRunOptions {
  return {
    ...options,
    args: ['--silent', ...(options.args ?? [])],
    files: { ...packages(), ...options.files },
    env: { DEFECT_SERVICES: ports, CASTOFF_HANDLES: 'fail', ...options.env },
  };
}

/** How a program was judged: what was expected, and everything that was reported for it. */
export interface Judgement extends Program {
  readonly reported: readonly Opened[];
  readonly isRight: boolean;
}

/** Compares the report of a run with what its programs leave open. */
export function judgePrograms(
  programs: readonly Program[],
  handles: readonly OpenHandle[],
): readonly Judgement[] {
  const files = new Set(programs.map(({ file }) => file));
  return programs.map((program) => {
    const reported = handles.filter((one) => fileOf(one, files) === program.file).map((one) => describe(one));
    const { opened } = program;
    const [first] = reported;
    const isRight =
      opened === undefined
        ? reported.length === 0
        : reported.length === 1 &&
          first?.source === opened.source &&
          first.owner === opened.owner &&
          (opened.kind === 'any' || first.kind === opened.kind);
    return { ...program, reported, isRight };
  });
}

/** The program of a handle: the one with its line, or else the test file that owns it. */
function fileOf({ scope, source = '' }: OpenHandle, files: ReadonlySet<string>): string {
  const line = source.replace(/:\d+$/, '');
  return files.has(line) ? line : scope.split('/').slice(0, 2).join('/');
}

function describe({ kind, scope, source = '', test }: OpenHandle): Opened {
  const [, ...within] = scope.split('/').slice(1);
  const place = within.length > 0 ? `describe ${within.join('/')}` : 'file';
  return { kind, source, owner: test ?? (scope === 'run' ? 'run' : place) };
}

function packages(): Record<string, string> {
  const from = join(folder, 'packages');
  const files = readdirSync(from, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ name, parentPath }) => {
      const path = join(parentPath, name);
      return [join('node_modules', relative(from, path)), readFileSync(path, 'utf8')];
    }),
  );
}

/** Starts the servers outside of Jest. `ports`: of each, as JSON. */
async function startServices(): Promise<AsyncDisposable & { readonly ports: string }> {
  const child = spawn(process.execPath, [join(folder, 'services.cjs')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  return {
    ports: line.trim(),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await once(child, 'close');
    },
  };
}
