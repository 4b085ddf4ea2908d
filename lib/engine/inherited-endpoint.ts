import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { processWide } from '../core/global-state';
import type { Endpoint } from './endpoint';

/** The argument that makes a castoff program read its engine from standard input. */
export const inheritEngineArgument = '--engine-on-stdin';

const inherited = (): { endpoint?: Endpoint } =>
  processWide('inherited endpoint', (): { endpoint?: Endpoint } => ({}));

/**
 * Returns the endpoint that a parent process passed to this one, which replaces all other candidates:
 * relative paths, docker's current context and certificates may differ here.
 */
export function inheritedEndpoint(): Endpoint | undefined {
  return inherited().endpoint;
}

/** Reads the endpoint that {@link passEndpoint} provides on standard input. */
export function readInheritedEndpoint(): void {
  inherited().endpoint = JSON.parse(readFileSync(0, 'utf8')) as Endpoint;
}

/**
 * Sends the endpoint to `child` on standard input, a pipe: certificates may exceed the limits of an environment
 * variable, and a private key must not be written to a file.
 */
export function passEndpoint(endpoint: Endpoint, child: ChildProcess): void {
  // EPIPE, or the process did not start: its exit reports the reason.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(JSON.stringify(endpoint));
}
