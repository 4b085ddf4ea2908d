import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Endpoint } from '../engine/endpoint';
import { inheritEngineArgument, passEndpoint } from '../engine/inherited-endpoint';
import { hostEnvironment } from './host-environment';
import { findReaperProgram } from './own-files';

interface HostProcessSettings {
  readonly engine: Endpoint;
  readonly socketPath: string;
  /** The folder of its log. */
  readonly folder: string;
  /** The identity of the socket that it replaces, although a process listens there. */
  readonly replacing?: string | undefined;
}

/** A host process that was started. */
export interface HostProcess {
  readonly command: string;
  readonly logPath: string;
  /**
   * The reason why it failed, if it has. A process that found another one at its socket exits without a
   * failure.
   */
  failure(): string | undefined;
  lastLogLines(): string;
}

const maxLogBytes = 1_024 * 1_024;

/**
 * Starts the reaper as a detached process in `/`: it survives this process, its terminal, and a kill of its
 * process group.
 */
export function startHostProcess(settings: HostProcessSettings): HostProcess {
  const { engine, socketPath, folder, replacing } = settings;
  const more = replacing === undefined ? [] : [`--replacing=${replacing}`];
  const args = [findReaperProgram(), 'host', socketPath, inheritEngineArgument, ...more];
  const logPath = join(folder, `${basename(socketPath, '.sock').replace(/^.*\\/, '')}.log`);
  const log = openSync(logPath, isTooLong(logPath) ? 'w' : 'a', 0o600);
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
      if (code !== 0) failure = `it exited with ${signal ?? `code ${code}`}`;
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

function isTooLong(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > maxLogBytes;
}
