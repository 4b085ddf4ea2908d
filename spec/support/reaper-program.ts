import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { built } from './built';
import { until } from './until';

export interface ReaperProgramOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The reaper as a process; killed on disposal. */
export class ReaperProgram implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly stdout: string[];
  readonly stderr: string[];
  readonly exited: Promise<number | null>;
  readonly #startedAtMs = performance.now();

  constructor({ args = [], env = {} }: ReaperProgramOptions) {
    this.process = spawn(process.execPath, [built.reaper, ...args], { env: { ...process.env, ...env } });
    this.stdout = collectLines(this.process.stdout);
    this.stderr = collectLines(this.process.stderr);
    this.exited = once(this.process, 'exit').then(([code]) => code as number | null);
  }

  /** Resolves to the port that it listens on. */
  async port(): Promise<number> {
    const line = await this.says(/msg=Started address=\S+:(\d+)$/);
    return Number(/:(\d+)$/.exec(line)?.[1]);
  }

  /** Resolves to the first matching line of stdout or stderr. */
  async says(pattern: RegExp, timeoutMs = 10_000): Promise<string> {
    const find = () => [...this.stdout, ...this.stderr].find((line) => pattern.test(line));
    await until(() => find() !== undefined, timeoutMs, 2);
    const line = find();
    if (line !== undefined) return line;
    throw new Error(`${pattern} is not in ${[...this.stdout, ...this.stderr].join('\n')}`);
  }

  get ageMs(): number {
    return performance.now() - this.#startedAtMs;
  }

  /** In MiB. @see proc(5), `/proc/<pid>/status` */
  memory(field: 'VmRSS' | 'RssAnon'): number {
    const status = readFileSync(`/proc/${this.process.pid}/status`, 'utf8');
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1_024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited;
  }
}

function collectLines(stream: Readable | null): string[] {
  const lines: string[] = [];
  let rest = '';
  stream?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  return lines;
}
