import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import { type RyukClient, connectRyuk } from './ryuk-client';
import { docker, specLabel } from './things';
import { until } from './until';

const patienceMs = 20_000;

/** A reaper in a container of its own, started as Testcontainers' clients start it. */
export interface RyukContainer {
  connect(): RyukClient;
  /** All that it has said so far, stdout and stderr. */
  log(): string;
  says(pattern: RegExp, timeoutMs?: number): Promise<boolean>;
  signal(name: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<void>;
  /** Resolves when the engine has removed it, by itself, to its exit code. */
  readonly ended: Promise<number>;
  readonly hasEnded: () => boolean;
}

export interface RyukOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Nothing but what it needs: no capability, and a root that can not be written. */
  readonly isConfined?: boolean;
  /** Where it listens inside. Default 8080. */
  readonly port?: number;
  /** What it sees of this machine besides the engine's socket, as `docker run -v` has it. */
  readonly binds?: readonly string[];
}

/** Starts `image` with the engine's socket, a published port and AutoRemove, without arguments. */
export async function startRyuk(image: string, options: RyukOptions = {}): Promise<RyukContainer> {
  const { env = {}, labels = {}, isConfined = false, port = 8080, binds = [] } = options;
  const inside = `${port}/tcp`;
  const container = await docker.createContainer({
    Image: image,
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    // testcontainers for Node takes the newest reaper on the engine for its own; this label keeps it from that.
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

  const says = (pattern: RegExp, timeoutMs = patienceMs) =>
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

/** Its log goes with it when it ends: read from the first byte on. */
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

/** 0 for one that has ended already. */
async function findPort(container: Docker.Container, inside: string): Promise<number> {
  try {
    const { NetworkSettings } = await container.inspect();
    return Number(NetworkSettings.Ports[inside]?.[0]?.HostPort ?? 0);
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return 0;
    throw error;
  }
}
