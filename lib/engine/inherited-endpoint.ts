import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { processWide } from '../core/global-state';
import type { Endpoint } from './endpoint';

/** The argument of a program of castoff's that reads its engine from its standard input. */
export const inheritEngineArgument = '--engine-on-stdin';

const handed = (): { endpoint?: Endpoint } =>
  processWide('handed endpoint', (): { endpoint?: Endpoint } => ({}));

/**
 * The only place where this process looks for an engine by default, where another process handed it one: relative paths, docker's
 * current context and the certificates may mean something else here.
 */
export function inheritedEndpoint(): Endpoint | undefined {
  return handed().endpoint;
}

/** Takes the endpoint that {@link passEndpoint} offers on the standard input. */
export function readInheritedEndpoint(): void {
  handed().endpoint = JSON.parse(readFileSync(0, 'utf8')) as Endpoint;
}

/**
 * Calls `spawn` with a file to be the standard input of a process that takes its engine from there. The file has lost its name by then,
 * since it may hold a private key; and it may be longer than an environment variable or a pipe can be.
 *
 * @param folder - A folder of this user alone.
 */
export function passEndpoint<T>(endpoint: Endpoint, folder: string, spawn: (stdin: number) => T): T {
  const path = join(folder, `endpoint-${randomBytes(6).toString('hex')}.json`);
  let stdin: number;
  try {
    writeFileSync(path, JSON.stringify(endpoint), { mode: 0o600, flag: 'wx' });
    stdin = openSync(path, 'r');
  } finally {
    rmSync(path, { force: true });
  }
  try {
    return spawn(stdin);
  } finally {
    closeSync(stdin);
  }
}
