import { readVariable, type Environment } from '../core/environment';
import { isFields, parseFields } from '../core/fields';
import type { Endpoint } from './endpoint';
import { parseEndpoint } from './parse-endpoint';

/** The variables that name an engine, apart from the folder of docker's configuration. */
export const engineVariables = [
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_TLS',
  'DOCKER_TLS_VERIFY',
  'DOCKER_CERT_PATH',
] as const;

type EngineVariables = { readonly [Name in (typeof engineVariables)[number]]?: string | undefined };

/** The engine behind the relay of `castoff run`, as the command inherits it in `CASTOFF_RELAY`. */
export interface RelayedEngine {
  /** The relay's address, in the form of `DOCKER_HOST`. */
  readonly relay: string;
  /** The engine's address. */
  readonly engine: string;
  /** The variables that name the engine outside the command. */
  readonly variables: EngineVariables;
}

/**
 * Returns the variables that name the engine at `endpoint`, independent of the working directory, the user's folder
 * and the context that `docker context use` selects.
 */
export function engineVariablesOf({ address, transport }: Endpoint): EngineVariables {
  const { folder, isVerified } = (transport.type === 'tcp' ? transport.tls : undefined) ?? {};
  if (folder === undefined) return { DOCKER_HOST: address };
  const encrypted = isVerified === true ? { DOCKER_TLS_VERIFY: '1' } : { DOCKER_TLS: '1' };
  return { DOCKER_HOST: address, ...encrypted, DOCKER_CERT_PATH: folder };
}

/** Returns the engine behind the relay that `environment` names; `undefined` without a relay. */
export function readRelayedEngine(environment: Environment): RelayedEngine | undefined {
  const text = readVariable('CASTOFF_RELAY', environment);
  const { relay, engine, variables } = (text === undefined ? undefined : parseFields(text)) ?? {};
  if (typeof relay !== 'string' || typeof engine !== 'string' || !isFields(variables)) return undefined;
  const named = engineVariables.map((name) => [name, variables[name]] as const);
  const texts = named.filter((one): one is [(typeof one)[0], string] => typeof one[1] === 'string');
  return { relay, engine, variables: Object.fromEntries(texts) };
}

/**
 * Replaces the variables that name the relay of `castoff run` by those that name the engine behind it: castoff's own
 * requests bypass the relay. Returns `environment` itself if its `DOCKER_HOST` is not the relay.
 */
export function bypassRelay(environment: Environment): Environment {
  const relayed = readRelayedEngine(environment);
  if (relayed === undefined || environment.DOCKER_HOST !== relayed.relay) return environment;
  const none = Object.fromEntries(engineVariables.map((name) => [name, undefined]));
  return { ...environment, ...none, ...relayed.variables };
}

/** Returns the relay as an endpoint with the address of the engine behind it; none without a relay. */
export function relayEndpoints(environment: Environment): readonly Endpoint[] {
  const relayed = readRelayedEngine(environment);
  if (relayed === undefined) return [];
  return [{ ...parseEndpoint(relayed.relay, 'CASTOFF_RELAY'), address: relayed.engine }];
}
