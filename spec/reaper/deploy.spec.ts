import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { version } from '../../package.json';
import { compose } from '../support/compose-command';
import { removeLeftovers } from '../support/leftovers';
import { connectRyuk, type RyukClient } from '../support/ryuk-client';
import { askHttp } from '../support/daemon-reaper';
import { specImage } from '../support/spec-image';
import { docker, exists, specLabel, uniqueName } from '../support/things';
import { until } from '../support/until';

const deployment = (file: string): string => join(__dirname, '../../docker', file);

describe('a deployment file', () => {
  it.each(['compose.yml', 'stack.yml', 'kubernetes.yml'])(
    '%s runs the daemon of this version, with a token and a limit',
    async (file) => {
      const text = await readFile(deployment(file), 'utf8');
      expect(text).toContain(`castoff/reaper:${version}`);
      expect(text).toMatch(/(command|args): \[daemon\]/);
      expect(text).toContain('CASTOFF_REAPER_TOKEN_FILE');
      expect(text).toMatch(/(mem_limit: 256m|memory: 256Mi?)$/m);
      expect(text).toMatch(/(read_only|readOnlyRootFilesystem): true/);
      expect(text).toMatch(/(cap_drop|drop): \[ALL\]/);
    },
  );
});

describe('docker/compose.yml', () => {
  const project = uniqueName();
  const token = 'compose-token';
  let folder: string;
  const run = async (...args: string[]): Promise<void> => {
    const env = {
      CASTOFF_REAPER_TOKEN_FILE: join(folder, 'reaper-token'),
      CASTOFF_REAPER_PORT: '0',
      CASTOFF_REAPER_HTTP_PORT: '0',
    };
    const own = [
      '--file',
      deployment('compose.yml'),
      '--project-directory',
      folder,
      '--project-name',
      project,
    ];
    await compose([...own, ...args], env);
  };
  const find = async () => {
    const label = `com.docker.compose.project=${project}`;
    const found = await docker.listContainers({ all: true, filters: { label: [label] } });
    return found.map(({ Id, Ports }) => ({
      id: Id,
      portOf: (inside: number) => Ports.find(({ PrivatePort }) => PrivatePort === inside),
    }));
  };
  /** Like `docker compose down`, but ten times faster. */
  const removeProject = async (): Promise<void> => {
    const filters = { label: [`com.docker.compose.project=${project}`] };
    for (const { id } of await find()) await docker.getContainer(id).remove({ force: true, v: true });
    for (const { Id } of await docker.listNetworks({ filters })) await docker.getNetwork(Id).remove();
  };
  let connect: () => RyukClient;
  let httpUrl: string;
  let id: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'castoff-spec-'));
    const file = join(folder, 'reaper-token');
    await writeFile(file, `${token}\n`, { mode: 0o600 });
    // As created by a user other than root.
    await chown(file, 1000, 1000);
    await run('up', '--detach');
    const [reaper] = await find();
    ({ id } = reaper!);
    connect = () => connectRyuk(reaper!.portOf(8080)!.PublicPort);
    httpUrl = `http://127.0.0.1:${reaper!.portOf(8081)!.PublicPort}`;
  });
  afterAll(async () => {
    await removeProject();
    await removeLeftovers();
    await rm(folder, { recursive: true });
  });

  const isHealthy = () =>
    askHttp({ url: `${httpUrl}/healthz` }).then(
      ({ status }) => status === 200,
      () => false, // ECONNRESET: docker-proxy is there before the reaper is.
    );
  const helloWith = (shown: string | undefined): string => {
    const owner = { host: 'h', boot: 'b', pid: 1, pidStart: '1' };
    return JSON.stringify({
      id: 1,
      type: 'hello',
      protocol: 3,
      version,
      session: 'compose',
      owner,
      token: shown,
    });
  };

  it('runs a healthy reaper, on loopback only, which no client of Ryuk takes for its own', async () => {
    expect(await until(isHealthy, 20_000, 100)).toBe(true);
    const [reaper] = await find();
    expect([8080, 8081].map((port) => reaper!.portOf(port)?.IP)).toEqual(['127.0.0.1', '127.0.0.1']);
    const taken = await docker.listContainers({ filters: { label: ['org.testcontainers.ryuk=true'] } });
    expect(taken.map(({ Id }) => Id)).not.toContain(id);
  });

  it('gives the reaper only the privileges that it needs', async () => {
    const { HostConfig } = await docker.getContainer(id).inspect();
    expect(HostConfig).toMatchObject({
      Privileged: false,
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: expect.arrayContaining(['no-new-privileges:true']),
      Memory: 256 * 1024 ** 2,
    });
  });

  it('reaps the claims of a client that dies, and rejects claims without the token', async () => {
    expect(await until(isHealthy, 20_000, 100)).toBe(true);
    const session = uniqueName();
    const label = `castoff.session=${session}`;
    const Labels = { ...specLabel, 'castoff.session': session };
    const { id: owned } = await docker.createContainer({ Image: specImage, Labels });
    const stranger = connect();
    expect(await stranger.claim(`label=${label}`)).toContain('NACK ');
    for (const shown of ['another', undefined])
      expect(JSON.parse(await stranger.claim(helloWith(shown)))).toMatchObject({ ok: false });
    const line = connect();
    expect(await line.claim(`token=another&label=${label}`)).toContain('NACK ');
    expect(await line.claim(`token=${token}&label=${label}`)).toBe('ACK');
    line.reset();
    stranger.reset();

    const client = connect();
    expect(JSON.parse(await client.claim(helloWith(token)))).toMatchObject({ ok: true });
    expect(
      JSON.parse(await client.claim(JSON.stringify({ id: 2, type: 'claim', labels: [label] }))),
    ).toMatchObject({
      ok: true,
    });
    expect(await exists('container', owned)).toBe(true);
    client.reset();
    expect(await until(async () => !(await exists('container', owned)), 20_000, 100)).toBe(true);
  });

  it('exits with 0 when it is stopped', async () => {
    await run('stop');
    const { State } = await docker.getContainer(id).inspect();
    expect(State).toMatchObject({ Status: 'exited', ExitCode: 0, OOMKilled: false });
  });
});

interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly containers: readonly Record<string, unknown>[];
  readonly volumes: readonly { readonly name: string }[];
}

describe('docker/kubernetes.yml', () => {
  let pod: PodSpec;
  let kind: string;
  beforeAll(async () => {
    const text = await readFile(deployment('kubernetes.yml'), 'utf8');
    const manifest = parse(text) as { kind: string; spec: { template: { spec: PodSpec } } };
    ({ kind } = manifest);
    pod = manifest.spec.template.spec;
  });

  it('runs the image of this version once on every node', () => {
    expect(kind).toBe('DaemonSet');
    expect(pod.containers).toMatchObject([{ image: `castoff/reaper:${version}`, args: ['daemon'] }]);
  });

  it("mounts the engine's socket and the token, and nothing else of the node", () => {
    expect(pod.volumes).toMatchObject([
      { name: 'engine', hostPath: { path: '/var/run/docker.sock', type: 'Socket' } },
      { name: 'token', secret: { secretName: 'castoff-reaper' } },
    ]);
    expect(pod.containers[0]!['volumeMounts']).toMatchObject([
      { name: 'engine', mountPath: '/var/run/docker.sock' },
      { name: 'token', readOnly: true },
    ]);
  });

  it('is unprivileged, and its memory is limited', () => {
    expect(pod.hostPID).toBeUndefined();
    expect(pod.containers[0]).toMatchObject({
      resources: { limits: { memory: '256Mi' }, requests: { memory: '64Mi' } },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
    });
    expect(pod.containers[0]!['securityContext']).not.toHaveProperty('privileged');
  });

  it('probes its health on the node’s loopback, and never restarts it for an unreachable engine', () => {
    expect(pod.hostNetwork).toBe(true);
    expect(pod.containers[0]).toMatchObject({
      readinessProbe: { httpGet: { host: '127.0.0.1', path: '/healthz', port: 'http' } },
      ports: expect.arrayContaining([{ name: 'http', containerPort: 8081 }]),
      env: expect.arrayContaining([{ name: 'CASTOFF_REAPER_HTTP_PORT', value: '8081' }]),
    });
    expect(pod.containers[0]).not.toHaveProperty('livenessProbe');
  });

  it('listens on loopback only', () => {
    const names = (pod.containers[0]!['env'] as { name: string }[]).map(({ name }) => name);
    expect(names).not.toContain('CASTOFF_REAPER_HOST');
    expect(names).not.toContain('CASTOFF_REAPER_HTTP_HOST');
  });
});
