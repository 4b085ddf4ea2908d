import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { tolerate } from '../core/errno';
import { readVariable } from '../core/environment';
import { parseFields } from '../core/fields';
import type { Endpoint } from '../engine/endpoint';
import { engineVariables, engineVariablesOf, type RelayedEngine } from '../engine/relayed-engine';

type Variables = Readonly<Record<string, string | undefined>>;

/** What the command's environment is made from. */
export interface CommandEnvironmentOptions {
  /** The variables of castoff itself, outside of any relay. */
  readonly outer: Variables;
  readonly endpoint: Endpoint;
  readonly isPodman: boolean;
  /** The address of the relay, in the form of `DOCKER_HOST`. */
  readonly relay: string;
  /** The engine's socket on the engine's host. */
  readonly socketPath: string;
  /** The host where the ports of containers are published, unless it is this machine. */
  readonly host: string | undefined;
  /** The selected builder of Buildx, if any. */
  readonly builder: string | undefined;
  readonly isRyukDisabled: boolean;
}

/**
 * Returns the environment of the command. Its clients connect to the relay, without TLS; containers that mount the
 * engine's socket get the engine's own; Buildx keeps its selected builder, which it would reset for another address;
 * and castoff's processes in the command find the engine behind the relay.
 *
 * @see Testcontainers, `ConfigurationStrategy`: without the variable, the TLS of `docker.tls.verify` in
 *   `~/.testcontainers.properties` applies to any address
 * @see Podman 5, `setupRemoteConnection`: `CONTAINER_CONNECTION` takes precedence over `CONTAINER_HOST`
 */
export function environmentOfCommand(options: CommandEnvironmentOptions): Record<string, string> {
  const { outer, endpoint, relay, socketPath, host, builder, isPodman, isRyukDisabled } = options;
  const isEncrypted = endpoint.transport.type === 'tcp' && endpoint.transport.tls !== undefined;
  const relayed: RelayedEngine = {
    relay,
    engine: endpoint.address,
    variables: engineVariablesOf(endpoint),
  };
  const unlessSet = (name: string, value: string | undefined) => ({ [name]: outer[name] || value });
  const none = Object.fromEntries(engineVariables.map((name) => [name, undefined]));
  const all: Variables = {
    ...outer,
    ...unlessSet('TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE', socketPath),
    ...unlessSet('TESTCONTAINERS_HOST_OVERRIDE', host),
    ...unlessSet('BUILDX_BUILDER', builder),
    ...none,
    DOCKER_HOST: relay,
    DOCKER_TLS_VERIFY: isEncrypted ? '' : undefined,
    ...(isPodman && { CONTAINER_HOST: relay, CONTAINER_CONNECTION: undefined }),
    CASTOFF_RELAY: JSON.stringify(relayed),
    // Not read from `outer` by its name: castoff's own process reads it as `true`.
    ...(isRyukDisabled && { TESTCONTAINERS_RYUK_DISABLED: 'true' }),
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/**
 * Returns the builder that `docker buildx use` has selected for the engine at `endpoint`; `undefined` for the
 * default one.
 *
 * @see docker/buildx, `store`: the file `current`, whose key is the engine's context or address
 */
export function readSelectedBuilder(endpoint: Endpoint): string | undefined {
  const folder = readVariable('DOCKER_CONFIG') ?? join(homedir(), '.docker');
  const text = tolerate(
    ['ENOENT', 'ENOTDIR', 'EACCES'],
    () => readFileSync(join(folder, 'buildx/current'), 'utf8'),
    '',
  );
  return builderIn(text, endpoint);
}

/** Returns the builder that the content of that file selects for the engine at `endpoint`. */
export function builderIn(text: string, { address, from }: Endpoint): string | undefined {
  const { Key: key, Name: name, Global: isGlobal } = parseFields(text) ?? {};
  if (typeof key !== 'string' || typeof name !== 'string' || name === '') return undefined;
  const isSelected = isGlobal === true || key === address || from === `docker context "${key}"`;
  return isSelected ? name : undefined;
}
