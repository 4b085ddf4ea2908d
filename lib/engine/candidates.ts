import { posix } from 'node:path';
import { CastoffError } from '../core/errors';
import type { Endpoint } from './endpoint';
import type { EngineFacts } from './engine-facts';
import { parseEndpoint } from './parse-endpoint';

/**
 * Returns the addresses where an engine may listen, in order of preference and without duplicates.
 *
 * `DOCKER_HOST`, or else `DOCKER_CONTEXT`, is the only candidate when set. Otherwise the candidates are the
 * current docker context, the addresses in `~/.testcontainers.properties`, and the platform's default sockets
 * or pipes.
 *
 * @throws CastoffError `CONFIG_INVALID` when an address is invalid, or a context does not exist or has no
 *   docker endpoint.
 * @see docker/cli, `DockerCli.CurrentContext`; testcontainers, `container-runtime/strategies`
 */
export function endpointCandidates(facts: EngineFacts): Endpoint[] {
  const { DOCKER_HOST: host, DOCKER_CONTEXT: context } = facts.env;
  if (host) return [parseEndpoint(host, 'DOCKER_HOST', facts.tls)];
  if (context) return [contextEndpoint(context, 'DOCKER_CONTEXT', facts)];
  const addresses = new Map<string, Endpoint>();
  for (const endpoint of [
    ...currentContext(facts),
    ...propertyEndpoints(facts),
    ...defaultEndpoints(facts),
  ]) {
    if (!addresses.has(endpoint.address)) addresses.set(endpoint.address, endpoint);
  }
  return [...addresses.values()];
}

function currentContext(facts: EngineFacts): Endpoint[] {
  const { currentContext: name } = facts;
  if (!name || name === 'default') return [];
  return [contextEndpoint(name, 'the current context of docker', facts)];
}

function contextEndpoint(name: string, namedBy: string, facts: EngineFacts): Endpoint {
  const from = `docker context "${name}"`;
  if (name === 'default') return parseEndpoint(defaultAddress(facts), from);
  const context = facts.contexts.find((other) => other.name === name);
  if (context === undefined) {
    const names = ['default', ...facts.contexts.map((other) => other.name)];
    throw new CastoffError(
      'CONFIG_INVALID',
      `${namedBy}: context "${name}" does not exist; use one of ${names.map((other) => `"${other}"`).join(', ')}`,
    );
  }
  if (context.host === undefined) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `${from}: no docker endpoint; use another context or set DOCKER_HOST`,
    );
  }
  return parseEndpoint(context.host || defaultAddress(facts), from, context.tls);
}

function propertyEndpoints({ testcontainers }: EngineFacts): Endpoint[] {
  const { tcHost, dockerHost, tls } = testcontainers;
  const file = '~/.testcontainers.properties';
  return [
    ...(tcHost ? [parseEndpoint(tcHost, `tc.host in ${file}`)] : []),
    ...(dockerHost ? [parseEndpoint(dockerHost, `docker.host in ${file}`, tls)] : []),
  ];
}

function defaultEndpoints(facts: EngineFacts): Endpoint[] {
  return defaultAddresses(facts).map(([address, from]) => parseEndpoint(address, from));
}

type NamedAddress = readonly [address: string, from: string];

// The system's socket before the user's, and Docker before Podman: the order of testcontainers, which has to
// find the same engine. Podman's own sockets come last, because testcontainers does not try them.
function defaultAddresses(facts: EngineFacts): readonly NamedAddress[] {
  const { platform, home, env } = facts;
  if (platform === 'win32') {
    return [
      [defaultAddress(facts), 'default pipe'],
      ['npipe:////./pipe/podman-machine-default', 'Podman machine pipe'],
    ];
  }
  const runtimeFolders = userRuntimeFolders(facts);
  const inHome = (...path: string[]): string => `unix://${posix.join(home, ...path)}`;
  const podmanAddresses: readonly NamedAddress[] =
    platform === 'darwin'
      ? [
          [
            `unix://${posix.join(env.TMPDIR || '/tmp', 'podman/podman-machine-default-api.sock')}`,
            'Podman machine socket',
          ],
          [inHome('.local/share/containers/podman/machine/podman.sock'), 'Podman machine socket'],
        ]
      : [
          ...runtimeFolders.map((folder): NamedAddress => [
            `unix://${folder}/podman/podman.sock`,
            'rootless Podman socket',
          ]),
          ['unix:///run/podman/podman.sock', 'Podman socket'],
        ];
  return [
    [defaultAddress(facts), 'default socket'],
    ...(env.XDG_RUNTIME_DIR ? [rootlessDocker(env.XDG_RUNTIME_DIR)] : []),
    [
      inHome('.docker/run/docker.sock'),
      platform === 'darwin' ? 'Docker Desktop socket' : 'rootless Docker socket',
    ],
    [inHome('.docker/desktop/docker.sock'), 'Docker Desktop socket'],
    ...runtimeFolders.map(rootlessDocker),
    ...podmanAddresses,
  ];
}

function rootlessDocker(folder: string): NamedAddress {
  return [`unix://${folder}/docker.sock`, 'rootless Docker socket'];
}

function userRuntimeFolders({ platform, uid, env }: EngineFacts): string[] {
  const own = platform === 'linux' && uid !== undefined ? [`/run/user/${uid}`] : [];
  return env.XDG_RUNTIME_DIR ? [env.XDG_RUNTIME_DIR, ...own] : own;
}

function defaultAddress({ platform }: EngineFacts): string {
  return platform === 'win32' ? 'npipe:////./pipe/docker_engine' : 'unix:///var/run/docker.sock';
}
