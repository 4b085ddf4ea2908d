import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
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
 * Hands `child` the endpoint on its standard input, a pipe: certificates may be longer than an environment variable can be, and a private
 * key does not belong in a file.
 */
export function passEndpoint(endpoint: Endpoint, child: ChildProcess): void {
  // EPIPE, or no process at all: how it exited says more.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(JSON.stringify(endpoint));
}
