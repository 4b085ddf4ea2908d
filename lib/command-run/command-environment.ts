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
  /** The selected builder of Buildx, if any. */
  readonly builder: string | undefined;
  readonly isRyukDisabled: boolean;
}

/**
 * Returns the environment of the command. Its clients connect to the relay, without TLS; containers that mount the
 * engine's socket get the engine's own; Buildx keeps its selected builder, which it would reset for another address;
 * and castoff's processes in the command find the engine behind the relay.
 */
export function environmentOfCommand(options: CommandEnvironmentOptions): Record<string, string> {
  const { outer, endpoint, relay, socketPath, builder, isPodman, isRyukDisabled } = options;
  const relayed: RelayedEngine = {
    relay,
    engine: endpoint.address,
    variables: engineVariablesOf(endpoint, outer),
  };
  const none = Object.fromEntries(engineVariables.map((name) => [name, undefined]));
  const all: Variables = {
    TESTCONTAINERS_DOCKER_SOCKET_OVERRIDE: socketPath,
    TESTCONTAINERS_HOST_OVERRIDE: hostOf(endpoint),
    BUILDX_BUILDER: builder,
    ...outer,
    ...none,
    DOCKER_HOST: relay,
    CONTAINER_HOST: isPodman ? relay : outer['CONTAINER_HOST'],
    CASTOFF_RELAY: JSON.stringify(relayed),
    // Not read from `outer` by its name: castoff's own process reads it as `true`.
    ...(isRyukDisabled && { TESTCONTAINERS_RYUK_DISABLED: 'true' }),
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** Returns the host where the ports of containers are published, unless it is this machine. */
function hostOf({ transport }: Endpoint): string | undefined {
  if (transport.type === 'tcp') return transport.host;
  return transport.type === 'ssh' ? transport.destination.replace(/^.*@/, '') : undefined;
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
