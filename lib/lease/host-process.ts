import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Endpoint } from '../engine/endpoint';
import { inheritEngineArgument, passEndpoint } from '../engine/inherited-endpoint';
import { hostEnvironment } from './host-environment';
import { reaperProgram } from './own-files';

export interface HostProcessSettings {
  readonly engine: Endpoint;
  readonly socketPath: string;
  /** For its log. */
  readonly folder: string;
  /** Which socket at that path it replaces although a process listens there, as {@link socketIdentity} names it. */
  readonly replacing?: string | undefined;
}

export interface HostProcess {
  readonly command: string;
  readonly logPath: string;
  /** How it failed, if it has. One that ended without a failure has left the socket to another. */
  failure(): string | undefined;
  lastLogLines(): string;
}

const longestLogBytes = 1_024 * 1_024;

/**
 * Starts the reaper's program as a process of its own session and process group, in no terminal and no folder of the user's:
 * it outlives ours, the end of the terminal, and a kill of our process group.
 */
export function startHostProcess({
  engine,
  socketPath,
  folder,
  replacing,
}: HostProcessSettings): HostProcess {
  const more = replacing === undefined ? [] : [`--replacing=${replacing}`];
  const args = [reaperProgram(), 'host', socketPath, inheritEngineArgument, ...more];
  const logPath = join(folder, `${basename(socketPath, '.sock').replace(/^.*\\/, '')}.log`);
  const log = openSync(logPath, isLong(logPath) ? 'w' : 'a', 0o600);
  let failure: string | undefined;
  try {
    const child = spawn(process.execPath, args, {
      cwd: '/',
      detached: true,
      windowsHide: true,
      stdio: ['pipe', log, log],
      env: { ...hostEnvironment(process.env), CASTOFF_REAPER_SOCKET: socketPath },
    });
    child.once('error', (error) => (failure = error.message));
    passEndpoint(engine, child);
    child.once('exit', (code, signal) => {
      if (code !== 0) failure = `it ended with ${signal ?? `exit code ${code}`}`;
    });
    child.unref();
  } finally {
    closeSync(log);
  }
  return {
    command: [process.execPath, ...args].join(' '),
    logPath,
    failure: () => failure,
    lastLogLines: () => readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-5).join('\n'),
  };
}

function isLong(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > longestLogBytes;
}
