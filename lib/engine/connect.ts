import type { Agent } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { processWide } from '../core/global-state';
import { timeouts } from '../core/timeouts';
import { readVariable, type VariableName } from '../core/environment';
import { agentFor } from './agent';
import { connectionKey, requestTarget, type Endpoint } from './endpoint';
import { ask, createEngine, valueOf, type Engine } from './engine';
import type { Machine } from './engine-facts';
import { findEndpoint } from './find-endpoint';
import { pingEndpoint } from './ping-endpoint';

/**
 * Resolves to the engine at `address`, or else to the one that the environment names.
 *
 * There is one connection per engine and process. The first call loads dockerode.
 *
 * @param address - As in `DOCKER_HOST`.
 * @param machine - Whose environment and user to find an engine for. Default: those of this process.
 * @throws CastoffError `ENGINE_UNREACHABLE` when no engine answers, with every address and the reason;
 *   `CONFIG_INVALID` when an address is invalid.
 */
export function connectEngine(address?: string, machine?: Machine): Promise<Engine> {
  const { byRequest } = engines();
  const values = environmentKeys.map((name) => readVariable(name, machine?.env) ?? '');
  const key = address ?? `environment ${values.join(' ')}`;
  const existing = byRequest.get(key);
  if (existing !== undefined) return existing;
  const opening = openEngine(address, machine);
  byRequest.set(key, opening);
  // The engine may start later: failures are not cached.
  opening.catch(() => byRequest.delete(key));
  return opening;
}

const environmentKeys: readonly VariableName[] = [
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_CONFIG',
  'DOCKER_TLS',
  'DOCKER_TLS_VERIFY',
  'DOCKER_CERT_PATH',
  'HOME',
  'XDG_RUNTIME_DIR',
  'TMPDIR',
];

interface Engines {
  /** By the address, or the variables of the environment, that they were requested with. */
  readonly byRequest: Map<string, Promise<Engine>>;
  readonly byIdentity: Map<string, Engine>;
}

const engines = (): Engines =>
  processWide('engines', () => ({ byRequest: new Map(), byIdentity: new Map() }));

async function openEngine(address: string | undefined, machine: Machine | undefined): Promise<Engine> {
  const opened = new Map<Endpoint, Engine>();
  const endpoint = await findEndpoint({
    address,
    machine,
    async ping(candidate) {
      const agent = agentFor(candidate);
      const answer = await ask('ping', candidate.address, { timeoutMs: timeouts.pingMs }, (signal) =>
        pingEndpoint(candidate, agent, signal),
      );
      // Ends a connection that is still being opened, such as a login over ssh.
      if (answer.meaning !== 'done') agent.destroy();
      const { isPodman } = valueOf(answer);
      const connection = { endpoint: candidate, agent };
      opened.set(candidate, createEngine(connection, isPodman, loadLate(candidate, agent)));
    },
  });
  const { byRequest, byIdentity } = engines();
  const engine = byIdentity.get(connectionKey(endpoint)) ?? opened.get(endpoint);
  if (engine === undefined) throw new Error(`no connection to ${endpoint.address}`);
  byIdentity.set(connectionKey(endpoint), engine);
  // A later lookup by address alone would not know the certificates; this connection has them.
  if (!byRequest.has(engine.address)) byRequest.set(engine.address, Promise.resolve(engine));
  return engine;
}

// Loaded by the first call rather than on connecting: loading takes as long as the rest of opening a session.
function loadLate(endpoint: Endpoint, agent: Agent): () => Promise<Dockerode> {
  let loading: Promise<Dockerode> | undefined;
  const load = async (): Promise<Dockerode> => {
    // Loading blocks; let the caller that has just opened a session continue first.
    await setImmediate();
    const { default: Docker } = await import('dockerode');
    return new Docker(clientOptions(endpoint, agent));
  };
  return () => {
    loading ??= load();
    // Jest refuses to load modules between two tests: a later call may succeed.
    loading.catch(() => (loading = undefined));
    return loading;
  };
}

// Every option is present, even if undefined: docker-modem takes missing ones from the environment.
function clientOptions(endpoint: Endpoint, agent: Agent): Dockerode.DockerOptions {
  const unset = { host: undefined, port: undefined, socketPath: undefined, timeout: undefined };
  const ofAgent = { ca: undefined, cert: undefined, key: undefined, agent };
  const { transport } = endpoint;
  const protocol = transport.type === 'tcp' && transport.tls !== undefined ? 'https' : 'http';
  return { ...unset, ...ofAgent, protocol, ...requestTarget(transport) };
}
