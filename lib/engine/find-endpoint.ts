import { CastoffError, isCastoffError, messageOf } from '../core/errors';
import { endpointCandidates } from './candidates';
import type { Endpoint } from './endpoint';
import { inheritedEndpoint } from './inherited-endpoint';
import { readEngineFacts, readEnvTls, thisMachine, type Machine } from './engine-facts';
import { parseEndpoint } from './parse-endpoint';

export interface FindEndpointOptions {
  /** The only place to look, as `DOCKER_HOST` spells it. */
  readonly address?: string | undefined;
  /** Rejects when no engine answers there. */
  readonly ping: (endpoint: Endpoint) => Promise<void>;
  /** Who looks. Default: this process. */
  readonly machine?: Machine | undefined;
}

/**
 * The first place where an engine answers: `address` alone if it is given, else what this process was handed by another, else where
 * docker and testcontainers look.
 *
 * @throws CastoffError `ENGINE_UNREACHABLE` when none answers, with a line for each place and every failure in `errors`;
 *   `CONFIG_INVALID` when what is configured cannot be used.
 */
export async function findEndpoint(options: FindEndpointOptions): Promise<Endpoint> {
  const { ping } = options;
  const candidates = await candidatesFor(options);
  const misses: Miss[] = [];
  for (const endpoint of candidates) {
    try {
      await ping(endpoint);
      return endpoint;
    } catch (error) {
      misses.push({ endpoint, error });
    }
  }
  throw unreachable(misses);
}

async function candidatesFor({ address, machine }: FindEndpointOptions): Promise<readonly Endpoint[]> {
  if (address !== undefined)
    return [parseEndpoint(address, 'engine option', await readEnvTls(machine ?? thisMachine()))];
  const handed = machine === undefined ? inheritedEndpoint() : undefined;
  return handed === undefined
    ? endpointCandidates(await readEngineFacts(machine ?? thisMachine()))
    : [handed];
}

interface Miss {
  readonly endpoint: Endpoint;
  readonly error: unknown;
}

function unreachable(misses: readonly Miss[]): CastoffError {
  const what = 'find a Docker engine';
  const advice = 'start Docker or Podman, or say where one listens: DOCKER_HOST=unix:///path/to/docker.sock';
  const errors = misses.map(({ error }) => error);
  const [first = '', ...others] = misses.map(
    ({ endpoint, error }) => `${endpoint.address} (${endpoint.from}): ${explain(endpoint, error)}`,
  );
  if (others.length === 0) {
    return new CastoffError('ENGINE_UNREACHABLE', `${what}: ${first}\n${advice}`, {
      cause: errors[0],
      errors,
    });
  }
  const lines = [first, ...others].map((line) => `  ${line}`);
  const message = [`${what}: none of the ${lines.length} places answered`, ...lines, advice].join('\n');
  return new CastoffError('ENGINE_UNREACHABLE', message, { errors });
}

/** Why `endpoint` did not answer, in words for somebody who wants it to. */
function explain(endpoint: Endpoint, error: unknown): string {
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
      return 'nobody listens there';
    case 'ENOTFOUND':
      return 'no such host';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return `its certificate is not trusted (${messageOf(failure)}); its CA goes into ca.pem in DOCKER_CERT_PATH`;
    default:
  }
  return messageOf(failure ?? error);
}

function permissionAdvice(endpoint: Endpoint): string {
  return endpoint.address.endsWith('/docker.sock')
    ? 'add your user to the docker group (sudo usermod -aG docker "$USER") and log in again'
    : 'it belongs to another user';
}

/** The error of the system or of TLS under `error`, which may have wrapped it. */
function systemErrorIn(error: unknown): { readonly code: unknown } | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  if ('code' in error && typeof error.code === 'string' && !isCastoffError(error)) return error;
  return 'cause' in error ? systemErrorIn(error.cause) : undefined;
}
