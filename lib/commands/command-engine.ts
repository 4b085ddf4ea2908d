import { homedir } from 'node:os';
import { readVariable, type Environment, type VariableName } from '../core/environment';
import { isCastoffError } from '../core/errors';
import { endpointCandidates } from '../engine/candidates';
import { thisMachine, type Machine } from '../engine/engine-facts';
import { parseEndpoint } from '../engine/parse-endpoint';
import type { CommandLine } from './launch';
import { engineFlagsOf } from './docker-command';

/** The engine that a command selects. */
export interface CommandEngine {
  /** As in `DOCKER_HOST`. `undefined`: that of this process. */
  readonly address?: string | undefined;
}

/**
 * Returns the environment by which a docker command finds its engine, with the engine of its flags. `undefined` for
 * flags that only the command itself understands.
 *
 * @see docker, `--host`, `--context`, `--config`: flags take precedence over variables, and a context over a host
 */
export function engineEnvironment(line: CommandLine): Environment | undefined {
  let environment: Environment = line.env;
  for (const { name, value = '' } of engineFlagsOf(line)) {
    if (/podman(?:\.exe)?$/i.test(line.file)) return undefined;
    if (name === '-H' || name === '--host') environment = { ...environment, DOCKER_HOST: value };
    else if (name === '--config') environment = { ...environment, DOCKER_CONFIG: value };
    else environment = { ...environment, DOCKER_HOST: undefined, DOCKER_CONTEXT: value };
  }
  return environment;
}

/** Returns the machine on which a command with that environment looks for its engine. */
export function machineOf(env: Environment): Machine {
  return { ...thisMachine(), env, home: env.HOME || homedir() };
}

/**
 * Returns the engine of a command if the environment of this process names it, too; else `undefined`: the command
 * is for an engine of others. Reads no file.
 */
export function ownEngineOf(line: CommandLine): CommandEngine | undefined {
  const environment = engineEnvironment(line);
  if (environment === undefined || isForAnotherEngine(line.env)) return undefined;
  if (environment === line.env) return {};
  const isSame = (name: VariableName): boolean => readVariable(name, environment) === readVariable(name);
  if (!isSame('DOCKER_CONFIG')) return undefined;
  const host = readVariable('DOCKER_HOST', environment);
  if (!host) return isSame('DOCKER_HOST') && isSame('DOCKER_CONTEXT') ? {} : undefined;
  try {
    const { address } = parseEndpoint(host, 'the --host of a command');
    const known = endpointCandidates({ ...thisMachine(), contexts: [], testcontainers: {} });
    return known.some((endpoint) => endpoint.address === address) ? { address } : undefined;
  } catch (error) {
    // An invalid address, or a context of the environment, which only files describe.
    if (isCastoffError(error, 'CONFIG_INVALID')) return undefined;
    throw error;
  }
}

/**
 * Whether the environment of a command selects another engine than that of this process. Without HOME, docker
 * looks up the user's home folder.
 */
function isForAnotherEngine(env: Environment): boolean {
  const isOther = (name: VariableName): boolean => readVariable(name, env) !== readVariable(name);
  return (
    (['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG'] as const).some(isOther) ||
    (readVariable('HOME', env) !== undefined && isOther('HOME'))
  );
}
