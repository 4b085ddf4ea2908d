import type { Agent } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type Dockerode from 'dockerode';
import { processWide } from '../core/global-state';
import { agentFor } from './agent';
import { connectionKey, requestTarget, type Endpoint } from './endpoint';
import { ask, createEngine, valueOf, type Engine } from './engine';
import { findEndpoint } from './find-endpoint';
import { pingEndpoint } from './ping-endpoint';

const pingTimeoutMs = 5_000;

/**
 * The engine at `address` (as `DOCKER_HOST` spells one), or the one that the environment names. One connection per engine
 * and process; dockerode is loaded with its first call.
 *
 * @throws CastoffError `ENGINE_UNREACHABLE` with every place that was tried and why it failed; `CONFIG_INVALID` for an
 * address that is none.
 */
export function connectEngine(address?: string): Promise<Engine> {
  const found = enginesFound();
  const key = address ?? `environment ${environmentKeys.map((name) => process.env[name] ?? '').join(' ')}`;
  const known = found.get(key);
  if (known !== undefined) return known;
  const finding = openEngine(address);
  found.set(key, finding);
  // An engine that was not there may come: only what was found is kept.
  finding.catch(() => found.delete(key));
  return finding;
}

const environmentKeys = [
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

const enginesFound = (): Map<string, Promise<Engine>> =>
  processWide('engines by what they were asked for as', () => new Map<string, Promise<Engine>>());

const enginesByIdentity = (): Map<string, Engine> =>
  processWide('engines by identity', () => new Map<string, Engine>());

async function openEngine(address: string | undefined): Promise<Engine> {
  const opened = new Map<Endpoint, Engine>();
  const endpoint = await findEndpoint({
    address,
    async ping(candidate) {
      const agent = agentFor(candidate);
      const answer = await ask('ping', candidate.address, { timeoutMs: pingTimeoutMs }, (signal) =>
        pingEndpoint(candidate, agent, signal),
      );
      // A connection that still tries to come about (a login over ssh) has no use any more.
      if (answer.meaning !== 'done') agent.destroy();
      const { isPodman } = valueOf(answer);
      const connection = { endpoint: candidate, agent };
      opened.set(candidate, createEngine(connection, isPodman, loadLate(candidate, agent)));
    },
  });
  const engines = enginesByIdentity();
  const engine = engines.get(connectionKey(endpoint)) ?? opened.get(endpoint);
  if (engine === undefined) throw new Error(`no connection to ${endpoint.address}`);
  engines.set(connectionKey(endpoint), engine);
  // Its address alone does not say which certificates it wants: this connection has them.
  const found = enginesFound();
  if (!found.has(engine.address)) found.set(engine.address, Promise.resolve(engine));
  return engine;
}

// With the first call, and not to find the engine: it takes as long as all the rest of opening a session.
function loadLate(endpoint: Endpoint, agent: Agent): () => Promise<Dockerode> {
  let loading: Promise<Dockerode> | undefined;
  const load = async (): Promise<Dockerode> => {
    // It blocks: whoever has just opened a session, and does not ask yet, goes on first.
    await setImmediate();
    const { default: Docker } = await import('dockerode');
    return new Docker(clientOptions(endpoint, agent));
  };
  return () => {
    loading ??= load();
    // Between two tests Jest refuses to load modules: a later call may succeed.
    loading.catch(() => (loading = undefined));
    return loading;
  };
}

// Everything is given, also as undefined: docker-modem fills what is missing from the environment.
function clientOptions(endpoint: Endpoint, agent: Agent): Dockerode.DockerOptions {
  const unset = { host: undefined, port: undefined, socketPath: undefined, timeout: undefined };
  const ofAgent = { ca: undefined, cert: undefined, key: undefined, agent };
  const { transport } = endpoint;
  const protocol = transport.type === 'tcp' && transport.tls !== undefined ? 'https' : 'http';
  return { ...unset, ...ofAgent, protocol, ...requestTarget(transport) };
}
