import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import { type RyukClient, connectRyuk } from './ryuk-client';
import { docker, specLabel } from './things';
import { until } from './until';

const defaultTimeoutMs = 20_000;

/** A reaper in its own container, started as Testcontainers' clients do. */
export interface RyukContainer {
  connect(): RyukClient;
  /** Its stdout and stderr so far. */
  log(): string;
  says(pattern: RegExp, timeoutMs?: number): Promise<boolean>;
  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<void>;
  /** Resolves to its exit code when the engine has auto-removed it. */
  readonly ended: Promise<number>;
  readonly hasEnded: () => boolean;
}

export interface RyukOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Drops all capabilities and makes the root read-only. */
  readonly isConfined?: boolean;
  /** The port inside the container. Default 8080. */
  readonly port?: number;
  /** Mounts besides the engine's socket, as for `docker run -v`. */
  readonly binds?: readonly string[];
}

/** Starts `image` with the engine's socket, a published port and AutoRemove, without arguments. */
export async function startRyuk(image: string, options: RyukOptions = {}): Promise<RyukContainer> {
  const { env = {}, labels = {}, isConfined = false, port = 8080, binds = [] } = options;
  const inside = `${port}/tcp`;
  const container = await docker.createContainer({
    Image: image,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    // testcontainers for Node.js adopts the newest reaper on the engine, unless it has this label.
    Labels: { ...labels, ...specLabel, TESTCONTAINERS_RYUK_TEST_LABEL: 'true' },
    ExposedPorts: { [inside]: {} },
    HostConfig: {
      AutoRemove: true,
      CapDrop: isConfined ? ['ALL'] : [],
      ReadonlyRootfs: isConfined,
      Binds: ['/var/run/docker.sock:/var/run/docker.sock', ...binds],
      PortBindings: { [inside]: [{ HostIp: '127.0.0.1', HostPort: '' }] },
    },
  });
  const read = await follow(container);
  let hasEnded = false;
  const ended = endOf(container).finally(() => (hasEnded = true));
  await container.start();
  const publishedPort = await findPort(container, inside);

  const says = (pattern: RegExp, timeoutMs = defaultTimeoutMs) =>
    until(() => pattern.test(read()) || hasEnded, timeoutMs).then(() => pattern.test(read()));
  return {
    connect: () => connectRyuk(publishedPort),
    log: read,
    says,
    signal: async (name) => void (await container.kill({ signal: name })),
    ended,
    hasEnded: () => hasEnded,
  };
}

/** Reads the log from the first byte: AutoRemove deletes it with the container. */
async function follow(container: Docker.Container): Promise<() => string> {
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const lines = new PassThrough({ encoding: 'utf8' });
  let text = '';
  lines.on('data', (more: string) => (text += more));
  docker.modem.demuxStream(stream, lines, lines);
  return () => text;
}

async function endOf(container: Docker.Container): Promise<number> {
  const { StatusCode }: { StatusCode: number } = await container.wait({ condition: 'removed' });
  return StatusCode;
}

/** Resolves to 0 if the container has already been removed. */
async function findPort(container: Docker.Container, inside: string): Promise<number> {
  try {
    const { NetworkSettings } = await container.inspect();
    return Number(NetworkSettings.Ports[inside]?.[0]?.HostPort ?? 0);
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return 0;
    throw error;
  }
}
