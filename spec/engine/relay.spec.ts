import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { Agent, fetch, request } from 'undici';
import { archiveOf, inMemory } from '../../lib/lease/archive';
import { thisMachine } from '../../lib/engine/engine-facts';
import { compose, composeCommand, writeComposeFile } from '../support/compose-command';
import { dockerCommand } from '../support/docker-command';
import { openEngineRelay, type EngineRelay } from '../support/engine-relay';
import { openFaultProxy } from '../support/fault-proxy';
import { openPodmanEngine } from '../support/podman-engine';
import { openPrivateEngine } from '../support/private-engine';
import { sleeper, specImage } from '../support/spec-image';
import { isLong } from '../support/spec-size';
import { openSshServer } from '../support/ssh-server';
import { docker, specLabel, uniqueName } from '../support/things';
import { openTlsFront } from '../support/tls-front';
import { until } from '../support/until';

let relayed: EngineRelay;
let folder: string;
/** Through the relay. */
let client: Docker;

beforeAll(async () => {
  relayed = await openEngineRelay();
  client = new Docker({ socketPath: relayed.socketPath });
  folder = await mkdtemp(join(tmpdir(), 'castoff-relay-spec-'));
});

afterAll(async () => {
  await removeLabelled(relayed);
  await relayed[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
  expect(relayed.errors).toEqual([]);
});

/** Removes what was created through a relay, found by its label alone. */
async function removeLabelled({ labels }: EngineRelay, engine = docker): Promise<void> {
  const filters = { label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) };
  const containers = await engine.listContainers({ all: true, filters });
  await Promise.allSettled(
    containers.map(({ Id }) => engine.getContainer(Id).remove({ force: true, v: true })),
  );
  await engine.pruneNetworks({ filters });
  await engine
    .pruneVolumes({ filters: { ...filters, all: ['true'] } })
    .catch(() => engine.pruneVolumes({ filters }));
  for (const { Id } of await engine.listImages({ filters }))
    await engine.getImage(Id).remove({ force: true });
}

const create = (options: Docker.ContainerCreateOptions = {}, engine = client): Promise<Docker.Container> =>
  engine.createContainer({ Image: specImage, Cmd: sleeper, HostConfig: { NetworkMode: 'none' }, ...options });

async function start(options: Docker.ContainerCreateOptions = {}): Promise<Docker.Container> {
  const container = await create(options);
  await container.start();
  return container;
}

const cat = {
  Cmd: ['sh', '-c', 'cat; echo after'],
  OpenStdin: true,
  StdinOnce: true,
  AttachStdin: true,
  AttachStdout: true,
};

/** Attaches, starts, sends `input` and its end. Resolves to the output. */
async function converse(container: Docker.Container, input: string, hijack: boolean): Promise<string> {
  const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack });
  await container.start();
  stream.end(input);
  return demultiplex(container, stream);
}

async function demultiplex({ modem }: { modem: unknown }, stream: NodeJS.ReadableStream): Promise<string> {
  const output = new PassThrough();
  (modem as Docker['modem']).demuxStream(stream, output, output);
  stream.on('end', () => output.end());
  return text(output);
}

/** Sends raw bytes on one connection. Resolves to everything until the engine closes it. */
async function converseRaw(bytes: string, socketPath = relayed.socketPath): Promise<string> {
  const socket = connect(socketPath);
  socket.write(bytes);
  return text(socket);
}

/** Converses with a container through a relay of its own. Resolves to the output and the relay's errors. */
async function converseThrough(engine: string, machine = thisMachine()): Promise<readonly string[]> {
  await using other = await openEngineRelay(engine, machine);
  const through = new Docker({ socketPath: other.socketPath });
  const container = await create(cat, through);
  const output = await converse(container, 'line\n', true);
  expect((await docker.getContainer(container.id).inspect()).Config.Labels).toMatchObject(other.labels);
  await removeLabelled(other);
  return [output, ...other.errors];
}

describe('dockerode through a relay', () => {
  it('creates containers, networks, volumes and images with labels', async () => {
    const container = await create();
    const network = await client.createNetwork({ Name: uniqueName() });
    const name = uniqueName();
    await client.createVolume({ Name: name });
    const image = uniqueName();
    await container.commit({ repo: image, tag: '1' });
    const found = [
      (await docker.getContainer(container.id).inspect()).Config.Labels,
      ((await docker.getNetwork(network.id).inspect()) as { Labels: object }).Labels,
      (await docker.getVolume(name).inspect()).Labels,
      (await docker.getImage(`${image}:1`).inspect()).Config.Labels,
    ];
    for (const labels of found) expect(labels).toMatchObject(relayed.labels);
    const outcomes = await Promise.all(relayed.creations.slice(-4).map(({ outcome }) => outcome));
    expect(outcomes.map((outcome) => outcome?.isCreated === true && outcome.id)).toEqual([
      container.id,
      network.id,
      name,
      (await docker.getImage(`${image}:1`).inspect()).Id,
    ]);
  });

  it.each([true, false])(
    'attaches with hijack %s; the end of stdin arrives, and then the rest of the output',
    async (hijack) => {
      const container = await create(cat);
      if (hijack) expect(await converse(container, 'line\n', hijack)).toBe('line\nafter\n');
      else {
        const stream = await container.attach({ stream: true, stdout: true, hijack });
        await container.start();
        const stdin = await client
          .getContainer(container.id)
          .attach({ stream: true, stdin: true, hijack: true });
        stdin.end('line\n');
        expect(await demultiplex(container, stream)).toBe('line\nafter\n');
      }
    },
  );

  it('runs an exec with stdin and output', async () => {
    const container = await start();
    const exec = await container.exec({
      Cmd: ['sh', '-c', 'cat; echo after'],
      AttachStdin: true,
      AttachStdout: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true });
    stream.end('line\n');
    expect(await demultiplex(container, stream)).toBe('line\nafter\n');
  });

  it('copies archives of 8 MB in both directions', async () => {
    const content = randomBytes(8 * 1024 * 1024);
    const container = await create();
    await container.putArchive(archiveOf([inMemory('/data.bin', content)]), { path: '/' });
    const archive = await buffer(await container.getArchive({ path: '/data.bin' }));
    expect(archive.includes(content)).toBe(true);
  });
});

describe('undici through a relay', () => {
  it('requests and fetches, with a body of known or unknown length', async () => {
    const dispatcher = new Agent({ connect: { socketPath: relayed.socketPath } });
    const body = JSON.stringify({ Image: specImage, HostConfig: { NetworkMode: 'none' } });
    const headers = { 'content-type': 'application/json' };
    const url = 'http://docker/containers/create';
    const chunks = async function* () {
      yield body.slice(0, 9);
      yield body.slice(9);
    };
    const whole = await request(url, { dispatcher, method: 'POST', headers, body });
    const streamed = await request(url, {
      dispatcher,
      method: 'POST',
      headers,
      body: chunks() as unknown as Readable,
    });
    const fetched = await fetch(url, { dispatcher, method: 'POST', headers, body });
    for (const answer of [await whole.body.json(), await streamed.body.json(), await fetched.json()]) {
      const { Id } = answer as { Id: string };
      expect((await docker.getContainer(Id).inspect()).Config.Labels).toMatchObject(relayed.labels);
    }
    await dispatcher.close();
  });
});

describe('raw requests through a relay', () => {
  it('are answered in HTTP/1.0', async () => {
    expect(await converseRaw('GET /_ping HTTP/1.0\r\n\r\n')).toMatch(
      /^HTTP\/1\.0 200 OK\r\n[\s\S]*\r\n\r\nOK$/,
    );
    const body = JSON.stringify({ Image: specImage });
    const head = `POST /containers/create HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
    const id = /"Id":"(\w+)"/.exec(await converseRaw(`${head}\r\n\r\n${body}`))?.[1] ?? '';
    expect((await docker.getContainer(id).inspect()).Config.Labels).toMatchObject(relayed.labels);
  });

  it('are answered as by the engine when they are pipelined', async () => {
    const post = (body: string): string =>
      `POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const get = (path: string, field = 'Accept: *'): string =>
      `GET ${path} HTTP/1.1\r\nHost: docker\r\n${field}\r\n\r\n`;
    const Labels = specLabel;
    const requests = [get('/_ping'), post(JSON.stringify({ Image: specImage, Labels })), post('{')];
    const all = [...requests, get('/_ping'), get('/nowhere', 'Connection: close')].join('');
    const statuses = (received: string) =>
      [...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
    const direct = await converseRaw(all, '/var/run/docker.sock');
    const id = /"Id":"(\w+)"/.exec(direct)?.[1] ?? '';
    await docker.getContainer(id).remove();
    expect(statuses(await converseRaw(all))).toEqual(statuses(direct));
    expect(statuses(direct)).toHaveLength(5);
  });

  it.each(['/session', '/grpc'])('upgrade %s to HTTP/2, as BuildKit does', async (path) => {
    const upgrade = `POST ${path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nX-Docker-Expose-Session-Uuid: s1\r\n\r\n`;
    const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';
    const socket = connect(relayed.socketPath);
    socket.write(upgrade);
    const received = () => String(socket.read() ?? '');
    let answer = '';
    expect(await until(() => (answer += received()).includes('\r\n\r\n'))).toBe(true);
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    // The engine calls the client for a session, and the client calls the engine for a build.
    if (path === '/grpc') socket.write(preface);
    expect(await until(() => (answer += received()).length > answer.indexOf('\r\n\r\n') + 4)).toBe(true);
    expect(answer.split('\r\n\r\n')[1]).toContain(path === '/session' ? 'PRI * HTTP/2.0' : '\0\0');
    socket.destroy();
  });

  it('get the answer of the engine when they are malformed', async () => {
    expect(await converseRaw('GET /_ping\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    expect(await converseRaw('POST /_ping HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: odd\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 501 /,
    );
  });
});

describe('a failing engine behind a relay', () => {
  it.each(['lose-answer', 'cut-answer'] as const)(
    'fails a creation for its client, with an unknown outcome: %s',
    async (type) => {
      await using proxy = await openFaultProxy();
      await using other = await openEngineRelay(proxy.address);
      proxy.inject({ on: 'POST /containers/create', fault: { type } });
      await expect(dockerCommand(other.address, ['create', specImage])).rejects.toThrow('EOF');
      expect(await other.creations[0]?.outcome).toBeUndefined();
      await removeLabelled(other);
    },
  );

  it('does not learn the outcome of a creation whose client is gone', async () => {
    await using proxy = await openFaultProxy();
    await using other = await openEngineRelay(proxy.address);
    const held = proxy.hold('POST /containers/create');
    const env = { ...process.env, DOCKER_HOST: other.address };
    const creating = spawn('docker', ['create', specImage], { env, stdio: 'ignore' });
    await held.arrived();
    creating.kill('SIGKILL');
    expect(await other.creations[0]?.outcome).toBeUndefined();
    await proxy.until(({ ended }) => ended === 'client-left');
    held.release();
    await removeLabelled(other);
  });
});

if (isLong) {
  describe('dockerode through a relay, with streams and images', () => {
    it('follows logs, and stops when it disconnects', async () => {
      const container = await start({
        Cmd: ['sh', '-c', 'n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.05; done'],
      });
      const stream = (await container.logs({ follow: true, stdout: true })) as Readable;
      let output = '';
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
      expect(await until(() => /tick 3\n/.test(output))).toBe(true);
      stream.destroy();
      await container.remove({ force: true });
    });

    it('streams events, statistics and the end of a wait', async () => {
      const container = await start();
      const events = (await client.getEvents({ filters: { container: [container.id] } })) as Readable;
      const statistics = (await container.stats({ stream: true })) as unknown as Readable;
      expect(JSON.parse(String((await once(statistics, 'data'))[0]))).toHaveProperty('cpu_stats');
      statistics.destroy();
      const waiting = container.wait();
      const event = once(events, 'data');
      await container.kill();
      expect(JSON.parse(String((await event)[0]).split('\n')[0] ?? '')).toMatchObject({ Action: 'kill' });
      expect(await waiting).toMatchObject({ StatusCode: 137 });
      events.destroy();
    });

    it('saves and loads an image, and builds one with labels', async () => {
      const saved = (await client.getImage(specImage).get()) as Readable;
      expect(await text((await client.loadImage(saved)) as Readable)).toContain('Loaded image');
      const name = uniqueName();
      const dockerfile = Buffer.from(`FROM ${specImage}\nRUN echo built\n`);
      const output = await text(
        (await client.buildImage(archiveOf([inMemory('/Dockerfile', dockerfile)]), {
          t: name,
          nocache: true,
        })) as Readable,
      );
      expect(output).toContain('built');
      const { Id, Config } = await docker.getImage(name).inspect();
      expect(Config.Labels).toMatchObject(relayed.labels);
      expect(await relayed.creations.at(-1)?.outcome).toEqual({ isCreated: true, id: Id });
      const imported = uniqueName();
      await text(
        (await client.importImage(archiveOf([inMemory('/a', dockerfile)]), { repo: imported })) as Readable,
      );
      expect((await docker.getImage(imported).inspect()).Config.Labels).toMatchObject(relayed.labels);
    });
  });

  describe('the docker command through a relay', () => {
    const run = (args: readonly string[], input = '', env = {}): Promise<string> =>
      dockerCommand(relayed.address, args, { input, env });

    it('runs a container with stdin, and removes it', async () => {
      expect(await run(['run', '--rm', '-i', '--network', 'none', specImage, 'cat'], 'line\n')).toBe('line');
    });

    it('creates, executes, copies, follows logs and shows events', async () => {
      const name = uniqueName();
      await run([
        'run',
        '-d',
        '--network',
        'none',
        '--name',
        name,
        specImage,
        'sh',
        '-c',
        'echo up; sleep 60',
      ]);
      expect((await docker.getContainer(name).inspect()).Config.Labels).toMatchObject(relayed.labels);
      expect(await run(['exec', '-i', name, 'cat'], 'line\n')).toBe('line');
      const content = randomBytes(3 * 1024 * 1024);
      await writeFile(join(folder, 'up'), content);
      await run(['cp', join(folder, 'up'), `${name}:/file`]);
      await run(['cp', `${name}:/file`, join(folder, 'down')]);
      expect((await readFile(join(folder, 'down'))).equals(content)).toBe(true);
      const logs = run(['logs', '-f', name]);
      await run(['kill', name]);
      expect(await logs).toBe('up');
      const now = Math.ceil(Date.now() / 1_000) + 1;
      const events = await run([
        'events',
        '--since',
        '60s',
        '--until',
        String(now),
        '--filter',
        `container=${name}`,
      ]);
      expect(events).toContain('container kill');
      await run(['rm', '-f', name]);
    });

    it('builds with the classic builder', async () => {
      const name = uniqueName();
      const context = await mkdtemp(join(folder, 'context-'));
      await writeFile(join(context, 'Dockerfile'), `FROM ${specImage}\nCOPY Dockerfile /\n`);
      await run(['build', '--no-cache', '-t', name, context], '', { DOCKER_BUILDKIT: '0' });
      expect((await docker.getImage(name).inspect()).Config.Labels).toMatchObject(relayed.labels);
    });
  });

  describe('Compose through a relay', () => {
    it('brings a project up and down, and everything in it has labels', async () => {
      const service = {
        image: specImage,
        command: ['sh', '-c', 'echo up; sleep 60'],
        stop_grace_period: '0s',
        volumes: ['data:/data'],
      };
      await using file = await writeComposeFile({
        version: '3',
        services: { web: service },
        volumes: { data: {} },
      });
      const project = uniqueName();
      const env = { DOCKER_HOST: relayed.address };
      await file.up(project, env);
      const filters = { label: [`com.docker.compose.project=${project}`] };
      const labels = [
        ...(await docker.listContainers({ filters })).map(({ Labels }) => Labels),
        ...(await docker.listNetworks({ filters })).map(({ Labels }) => Labels),
        ...(await docker.listVolumes({ filters })).Volumes.map(({ Labels }) => Labels),
      ];
      expect(labels).toHaveLength(3);
      for (const one of labels) expect(one).toMatchObject(relayed.labels);
      await compose(
        ['--file', join(file.folder, 'docker-compose.yml'), '--project-name', project, 'down', '--volumes'],
        env,
      );
      expect(await docker.listContainers({ all: true, filters })).toEqual([]);
      expect(await composeCommand()).not.toEqual([]);
    });
  });

  describe('podman --remote through a relay', () => {
    it('creates containers, networks and volumes with labels, and its answers are understood', async () => {
      await using engine = await openPodmanEngine();
      await using other = await openEngineRelay(engine.address);
      const podman = (...args: readonly string[]): Promise<unknown> =>
        promisify(execFile)('podman', ['--url', other.address, ...args]);
      const name = uniqueName();
      await podman('create', '--name', name, '--label', 'mine=1', specImage, 'sleep', '1');
      await podman('network', 'create', '--label', 'mine=1', name);
      await podman('volume', 'create', '--label', 'mine=1', name);
      const direct = new Docker({ socketPath: engine.socketPath });
      const container = await direct.getContainer(name).inspect();
      const network = await direct.getNetwork(name).inspect();
      const volume = await direct.getVolume(name).inspect();
      for (const { Labels } of [container.Config, network, volume] as { Labels: object }[])
        expect(Labels).toMatchObject({ mine: '1', ...other.labels });
      expect(await Promise.all(other.creations.map(({ outcome }) => outcome))).toEqual([
        { isCreated: true, id: container.Id },
        { isCreated: true, id: (network as { Id: string }).Id },
        { isCreated: true, id: name },
      ]);
      await removeLabelled(other, direct);
    });
  });

  describe('a distant or restarted engine behind a relay', () => {
    // In short: spec/engine/run-command-remote.spec.ts.
    it('may be reached by TCP with certificates', async () => {
      await using front = await openTlsFront(await mkdtemp(join(folder, 'tls-')), '/var/run/docker.sock');
      const env = { ...process.env, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: front.certs };
      expect(await converseThrough(front.address, { ...thisMachine(), env })).toEqual(['line\nafter\n']);
    });

    it('may be reached through ssh', async () => {
      const server = await openSshServer('unix:///var/run/docker.sock');
      const { PATH } = process.env;
      process.env['PATH'] = server.path;
      try {
        expect(await converseThrough(server.address)).toEqual(['line\nafter\n']);
      } finally {
        process.env['PATH'] = PATH;
        await server.close();
      }
    });
    it('may restart: clients connect again, to the same socket', async () => {
      await using engine = await openPrivateEngine();
      await using other = await openEngineRelay(engine.address);
      const through = new Docker({ socketPath: other.socketPath });
      await through.ping();
      await engine.kill();
      await expect(through.ping()).rejects.toThrow(/502|hang up|ECONNRESET/);
      await engine.start();
      expect(String(await through.ping())).toBe('OK');
      const container = await create({}, through);
      await container.remove();
    });
  });
}
