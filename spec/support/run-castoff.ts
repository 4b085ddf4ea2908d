import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { built } from './built';

/** The result of a run of the CLI. */
export interface CastoffRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `castoff` in a Node process, as a user does. */
export async function runCastoff(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CastoffRun> {
  const child = spawn(process.execPath, [built.cli, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { exitCode, stdout, stderr };
}
