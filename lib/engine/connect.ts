import type { Agent } from 'node:http';
import type Dockerode from 'dockerode';
import { processWide } from '../core/global-state';
import { agentFor } from './agent';
import type { Endpoint, Transport } from './endpoint';
import { createEngine, valueOf, type Engine } from './engine';
import { findEndpoint } from './find-endpoint';

const pingTimeoutMs = 5_000;

/**
 * The engine at `address` (as `DOCKER_HOST` spells one), or the one that the environment names. One connection per engine
 * and process; dockerode is loaded when the first is made.
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

const enginesByAddress = (): Map<string, Engine> =>
  processWide('engines by address', () => new Map<string, Engine>());

async function openEngine(address: string | undefined): Promise<Engine> {
  const { default: Docker } = await import('dockerode');
  const opened = new Map<Endpoint, Engine>();
  const endpoint = await findEndpoint({
    address,
    async ping(candidate) {
      const agent = agentFor(candidate);
      const engine = createEngine(candidate.address, new Docker(clientOptions(candidate, agent)));
      const patient = engine.within({ timeoutMs: pingTimeoutMs });
      const answer = await patient.ask('ping', candidate.address, (docker) => docker.ping());
      // A connection that still tries to come about (a login over ssh) has no use any more.
      if (answer.meaning !== 'done') agent.destroy();
      valueOf(answer);
      opened.set(candidate, engine);
    },
  });
  const engines = enginesByAddress();
  const engine = engines.get(endpoint.address) ?? opened.get(endpoint);
  if (engine === undefined) throw new Error(`no connection to ${endpoint.address}`);
  engines.set(endpoint.address, engine);
  return engine;
}

// Everything is given, also as undefined: docker-modem fills what is missing from the environment.
function clientOptions(endpoint: Endpoint, agent: Agent): Dockerode.DockerOptions {
  const unset = { host: undefined, port: undefined, socketPath: undefined, timeout: undefined };
  const ofAgent = { ca: undefined, cert: undefined, key: undefined, agent };
  return { ...unset, ...ofAgent, ...addressOptions(endpoint.transport) };
}

function addressOptions(transport: Transport): Dockerode.DockerOptions {
  switch (transport.type) {
    case 'socket':
      return { protocol: 'http', socketPath: transport.path };
    case 'tcp':
      return {
        protocol: transport.tls === undefined ? 'http' : 'https',
        host: transport.host,
        port: transport.port,
      };
    case 'ssh':
      // The agent's connections are the tunnel; the engine behind it ignores the host.
      return { protocol: 'http', host: 'docker.ssh', port: 80 };
  }
}
