import { realpathSync } from 'node:fs';
import { posix } from 'node:path';
import { readVariable } from '../core/environment';
import { endpointCandidates } from '../engine/candidates';
import type { Endpoint } from '../engine/endpoint';
import { readEngineFacts, thisMachine } from '../engine/engine-facts';
import type * as relayedEngine from '../engine/relayed-engine';
import { engineAt, type RequestTarget } from './request-target';

/** The engines that the current environment points to, read when first needed. */
export class KnownEngines {
  readonly #byEnvironment = new Map<string, Promise<readonly Endpoint[]>>();
  readonly #realPaths = new Map<string, string>();
  #lastRead: readonly Endpoint[] = [];
  #lastKey: string | undefined;

  /** Resolves to the address of the engine at `target`, or `undefined` if there is none. */
  async addressOf(target: RequestTarget): Promise<string | undefined> {
    const key = environmentKey();
    this.#lastRead = await this.#endpoints(key);
    this.#lastKey = key;
    return this.addressKnownOf(target);
  }

  /** Like {@link addressOf} but synchronous: uses the engines that the last call of it found. */
  addressKnownOf(target: RequestTarget): string | undefined {
    return engineAt(target, this.#lastRead, (path) => this.#realPath(path));
  }

  /** Whether an engine may be at `target`, as far as is known: before the first {@link addressOf} in this environment, at any. */
  mayBe(target: RequestTarget): boolean {
    return this.#lastKey !== environmentKey() || this.addressKnownOf(target) !== undefined;
  }

  #endpoints(key: string): Promise<readonly Endpoint[]> {
    const known = this.#byEnvironment.get(key);
    if (known !== undefined) return known;
    const relays = this.#relays();
    const reading = readEngineFacts().then((facts) => [...relays, ...endpointCandidates(facts)]);
    this.#byEnvironment.set(key, reading);
    // The user may fix an invalid configuration.
    reading.catch(() => this.#byEnvironment.delete(key));
    return reading;
  }

  /** Code that runs inside `castoff run` sends its requests to the relay. */
  #relays(): readonly Endpoint[] {
    if (readVariable('CASTOFF_RELAY') === undefined) return [];
    const late = require('../engine/relayed-engine') as typeof relayedEngine;
    return late.relayEndpoints(process.env);
  }

  #realPath(path: string): string {
    const known = this.#realPaths.get(path);
    if (known !== undefined) return known;
    const real = readRealPath(path);
    this.#realPaths.set(path, real);
    return real;
  }
}

/** Identifies the variables that select an engine. */
function environmentKey(): string {
  const { DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, HOME } = thisMachine().env;
  return JSON.stringify([DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, HOME]);
}

function readRealPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // ENOENT: the socket does not exist, or it is a Windows named pipe, which is not a file.
    return posix.normalize(path.replaceAll('\\', '/'));
  }
}
