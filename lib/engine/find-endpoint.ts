import { readVariable } from '../core/environment';
import { CastoffError, isCastoffError, messageOf } from '../core/errors';
import { endpointCandidates } from './candidates';
import type { Endpoint } from './endpoint';
import { inheritedEndpoint } from './inherited-endpoint';
import { readEngineFacts, readEnvTls, thisMachine, type Machine } from './engine-facts';
import { parseEndpoint } from './parse-endpoint';
import type * as relayedEngine from './relayed-engine';

interface FindEndpointOptions {
  /** The only candidate, as in `DOCKER_HOST`. */
  readonly address?: string | undefined;
  /** Rejects when no engine answers at `endpoint`. */
  readonly ping: (endpoint: Endpoint) => Promise<void>;
  /** Default: the machine and user of this process. */
  readonly machine?: Machine | undefined;
}

/**
 * Resolves to the first endpoint at which an engine answers: `address` if given, else the endpoint passed by
 * a parent process, else those that docker and testcontainers use.
 *
 * @throws CastoffError `ENGINE_UNREACHABLE` when no engine answers, with a line for each address and every
 *   failure in `errors`; `CONFIG_INVALID` when the configuration is invalid.
 */
export async function findEndpoint(options: FindEndpointOptions): Promise<Endpoint> {
  const { ping } = options;
  const candidates = await candidatesFor(options);
  const failures: FailedAttempt[] = [];
  for (const endpoint of candidates) {
    try {
      await ping(endpoint);
      return endpoint;
    } catch (error) {
      failures.push({ endpoint, error });
    }
  }
  throw unreachableError(failures);
}

async function candidatesFor({ address, machine }: FindEndpointOptions): Promise<readonly Endpoint[]> {
  if (address !== undefined && !isRelay(address))
    return [parseEndpoint(address, 'engine option', await readEnvTls(machine ?? thisMachine()))];
  const inherited = machine === undefined ? inheritedEndpoint() : undefined;
  return inherited === undefined
    ? endpointCandidates(await readEngineFacts(machine ?? thisMachine()))
    : [inherited];
}

/** Whether it is the address of the relay of a `castoff run` around this process. */
function isRelay(address: string): boolean {
  if (readVariable('CASTOFF_RELAY') === undefined) return false;
  const late = require('./relayed-engine') as typeof relayedEngine;
  return late.readRelayedEngine(process.env)?.relay === address;
}

interface FailedAttempt {
  readonly endpoint: Endpoint;
  readonly error: unknown;
}

function unreachableError(failures: readonly FailedAttempt[]): CastoffError {
  const what = 'find a Docker engine';
  const advice = 'start Docker or Podman, or set its address: DOCKER_HOST=unix:///path/to/docker.sock';
  const errors = failures.map(({ error }) => error);
  const [first = '', ...others] = failures.map(
    ({ endpoint, error }) => `${endpoint.address} (${endpoint.from}): ${describeFailure(endpoint, error)}`,
  );
  if (others.length === 0) {
    return new CastoffError('ENGINE_UNREACHABLE', `${what}: ${first}\n${advice}`, {
      cause: errors[0],
      errors,
    });
  }
  const lines = [first, ...others].map((line) => `  ${line}`);
  const message = [`${what}: none answered at ${lines.length} addresses`, ...lines, advice].join('\n');
  return new CastoffError('ENGINE_UNREACHABLE', message, { errors });
}

function describeFailure(endpoint: Endpoint, error: unknown): string {
  const failure = systemErrorIn(error);
  const isSocket = endpoint.transport.type === 'socket';
  switch (failure?.code) {
    case 'ENOENT':
      if (isSocket) return 'no such socket';
      break;
    case 'EACCES':
      if (isSocket) return `permission denied; ${permissionAdvice(endpoint)}`;
      break;
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'ENOTFOUND':
      return 'no such host';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return `its certificate is not trusted (${messageOf(failure)}); add its CA to ca.pem in DOCKER_CERT_PATH`;
    default:
  }
  return messageOf(failure ?? error);
}

function permissionAdvice(endpoint: Endpoint): string {
  return endpoint.address.endsWith('/docker.sock')
    ? 'add your user to the docker group (sudo usermod -aG docker "$USER") and log in again'
    : 'the socket belongs to another user';
}

function systemErrorIn(error: unknown): { readonly code: unknown } | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && typeof error.code === 'string' && !isCastoffError(error)) return error;
  return 'cause' in error ? systemErrorIn(error.cause) : undefined;
}
