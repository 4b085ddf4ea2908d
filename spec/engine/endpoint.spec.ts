import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request as requestPlain, type Agent, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestTls } from 'node:https';
import { createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { cleanupContainer } from '../../lib/index';
import { agentFor } from '../../lib/engine/agent';
import type { Endpoint } from '../../lib/engine/endpoint';
import { thisMachine, type Machine } from '../../lib/engine/engine-facts';
import { findEndpoint } from '../../lib/engine/find-endpoint';
import { parseEndpoint } from '../../lib/engine/parse-endpoint';
import { openSshConnection } from '../../lib/engine/ssh-connection';
import { openSshServer, type SshServer } from '../support/ssh-server';
import { createIdleContainer, exists } from '../support/things';
import { openTlsFront, type TlsFront } from '../support/tls-front';
import { until } from '../support/until';
import { withTypeScript } from '../support/with-typescript';

const run = promisify(execFile);
const withinMs = 10_000;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-endpoint-'));
});

afterAll(() => rm(folder, { recursive: true }));

function inFolder(name: string): string {
  return join(folder, name);
}

interface Call {
  readonly method?: string;
  readonly path: string;
  readonly body?: string;
}

async function call(endpoint: Endpoint, agent: Agent, { body, ...options }: Call): Promise<IncomingMessage> {
  const { transport } = endpoint;
  const place: RequestOptions =
    transport.type === 'socket'
      ? { socketPath: transport.path }
      : transport.type === 'tcp'
        ? { host: transport.host, port: transport.port }
        : { host: 'docker.ssh' };
  const isEncrypted = transport.type === 'tcp' && transport.tls !== undefined;
  const headers = { 'Content-Type': 'application/json' };
  const request = (isEncrypted ? requestTls : requestPlain)({ ...options, ...place, agent, headers });
  request.end(body);
  const [response]: IncomingMessage[] = await once(request, 'response');
  if (response === undefined) throw new Error('no response');
  return response;
}

async function ask(endpoint: Endpoint, agent: Agent, what: Call): Promise<string> {
  const response = await call(endpoint, agent, what);
  const chunks = await response.toArray();
  return `${response.statusCode} ${Buffer.concat(chunks).toString()}`;
}

async function ping(endpoint: Endpoint): Promise<void> {
  const agent = agentFor(endpoint);
  try {
    expect(await ask(endpoint, agent, { path: '/_ping' })).toBe('200 OK');
  } finally {
    agent.destroy();
  }
}

/** The machine's own engine, before a spec changes the configuration. */
async function ownEngine(): Promise<Endpoint & { readonly transport: { readonly type: 'socket' } }> {
  const endpoint = await findEndpoint({ ping });
  const { transport } = endpoint;
  if (transport.type !== 'socket')
    throw new Error(`these specs need an engine on a socket, not ${endpoint.address}`);
  return { ...endpoint, transport };
}

function portOf(server: TcpServer): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return address.port;
}

function machineWith(env: Machine['env']): Machine {
  return { ...thisMachine(), home: join(folder, 'home'), env: { PATH: process.env['PATH'], ...env } };
}

describe('an engine behind mutual TLS', () => {
  let front: TlsFront;
  let address: string;

  beforeAll(async () => {
    const { transport } = await ownEngine();
    front = await openTlsFront(folder, transport.path);
    ({ address } = front);
  });

  afterAll(async () => front[Symbol.asyncDispose]());

  it('answers with the certificates of DOCKER_CERT_PATH', async () => {
    const env = { DOCKER_HOST: address, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: inFolder('certs') };
    expect((await findEndpoint({ ping, machine: machineWith(env) })).address).toBe(address);
  });

  it('answers a given address with the certificates of the environment', async () => {
    const env = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: inFolder('certs') };
    expect((await findEndpoint({ address, ping, machine: machineWith(env) })).address).toBe(address);
  });

  it('cleans up a container when DOCKER_HOST names it', async () => {
    const id = await createIdleContainer();
    const envBefore = { ...process.env };
    Object.assign(process.env, {
      DOCKER_HOST: address,
      DOCKER_TLS_VERIFY: '1',
      DOCKER_CERT_PATH: inFolder('certs'),
    });
    try {
      expect(await cleanupContainer(id, { stopTimeoutMs: 1_000 })).toMatchObject({ outcome: 'removed' });
    } finally {
      process.env = envBefore;
    }
    expect(await exists('container', id)).toBe(false);
  });

  it('is not trusted with the CA of another engine', async () => {
    const env = { DOCKER_HOST: address, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: inFolder('other') };
    await expect(findEndpoint({ ping, machine: machineWith(env) })).rejects.toMatchObject({
      code: 'ENGINE_UNREACHABLE',
      message: expect.stringMatching(/\(DOCKER_HOST\): its certificate is not trusted .* DOCKER_CERT_PATH/),
    });
  });

  it('answers without verification when only DOCKER_TLS is set', async () => {
    const env = { DOCKER_HOST: address, DOCKER_TLS: '1', DOCKER_CERT_PATH: inFolder('other') };
    expect((await findEndpoint({ ping, machine: machineWith(env) })).address).toBe(address);
  });

  it.each([
    ['without a client certificate', { DOCKER_TLS: '1', DOCKER_CERT_PATH: '/nowhere' }],
    ['without TLS', {}],
  ])('does not answer %s', async (_how, env) => {
    const machine = machineWith({ ...env, DOCKER_HOST: address });
    await expect(findEndpoint({ ping, machine })).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  });

  it('is found through a context created by docker', async () => {
    const config = join(folder, 'docker');
    const docker = (...args: string[]): Promise<unknown> => run('docker', ['--config', config, ...args]);
    const files = ['ca', 'cert', 'key'].map((name) => `${name}=${inFolder('certs')}/${name}.pem`);
    await docker('context', 'create', 'secure', '--docker', [`host=${address}`, ...files].join(','));
    const lax = [`host=${address}`, 'skip-tls-verify=true', ...files.slice(1)].join(',');
    await docker('context', 'create', 'lax', '--docker', lax);
    await docker('context', 'use', 'secure');
    const machine = machineWith({ DOCKER_CONFIG: config });
    expect(await findEndpoint({ ping, machine })).toMatchObject({ address, from: 'docker context "secure"' });
    const other = machineWith({ DOCKER_CONFIG: config, DOCKER_CONTEXT: 'lax' });
    expect(await findEndpoint({ ping, machine: other })).toMatchObject({
      address,
      from: 'docker context "lax"',
    });
  });
});

describe('an engine behind ssh', () => {
  let server: SshServer;
  let endpoint: Endpoint;
  const pathBefore = process.env['PATH'];

  beforeAll(async () => {
    server = await openSshServer((await ownEngine()).address);
    process.env['PATH'] = server.path;
    endpoint = parseEndpoint(server.address, 'spec');
  });

  afterAll(async () => {
    process.env['PATH'] = pathBefore;
    await server.close();
  });

  async function expectNoProcessLeft(): Promise<void> {
    await until(() => server.clients().length + server.remoteCommands().length === 0, withinMs);
    expect([...server.clients(), ...server.remoteCommands()]).toEqual([]);
  }

  it('is found by its address', async () => {
    const found = await findEndpoint({ ping, machine: machineWith({ DOCKER_HOST: server.address }) });
    expect(found).toEqual({ ...endpoint, from: 'DOCKER_HOST' });
    await expectNoProcessLeft();
  });

  it('is found at the path of its socket', async () => {
    const { transport } = await ownEngine();
    const address = `${server.address}${transport.path}`;
    expect((await findEndpoint({ address, ping })).address).toBe(address);
    await expectNoProcessLeft();
  });

  it('answers one request after another over one connection', async () => {
    const agent = agentFor(endpoint);
    expect(await ask(endpoint, agent, { path: '/_ping' })).toBe('200 OK');
    expect(await ask(endpoint, agent, { path: '/_ping' })).toBe('200 OK');
    expect(server.clients()).toHaveLength(1);
    agent.destroy();
    await expectNoProcessLeft();
  });

  it('receives bodies and answers in parallel, also while its events stream', async () => {
    const agent = agentFor(endpoint);
    const name = `castoff-spec-endpoint-${process.pid}`;
    const events = await call(endpoint, agent, { path: `/events?filters={"volume":["${name}"]}` });
    const actions: string[] = [];
    events.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split('\n')) actions.push(JSON.parse(line).Action);
    });
    events.on('error', () => undefined);
    const Labels = { note: 'x'.repeat(200_000) };
    const create = { method: 'POST', path: '/volumes/create', body: JSON.stringify({ Name: name, Labels }) };
    const answers = await Promise.all([
      ask(endpoint, agent, create),
      ask(endpoint, agent, { path: '/_ping' }),
      ask(endpoint, agent, { path: '/_ping' }),
    ]);
    expect(answers.map((answer) => answer.slice(0, 3))).toEqual(['201', '200', '200']);
    expect(await ask(endpoint, agent, { path: `/volumes/${name}` })).toContain(Labels.note);
    expect(await ask(endpoint, agent, { method: 'DELETE', path: `/volumes/${name}` })).toBe('204 ');
    await until(() => actions.length === 2, withinMs);
    expect(actions).toEqual(['create', 'destroy']);
    agent.destroy();
    await expectNoProcessLeft();
  });

  it('answers more concurrent requests than sshd allows concurrent logins', async () => {
    const agent = agentFor(endpoint);
    const pings = Array.from({ length: 16 }, () => ask(endpoint, agent, { path: '/_ping' }));
    expect(new Set(await Promise.all(pings))).toEqual(new Set(['200 OK']));
    agent.destroy();
    await expectNoProcessLeft();
  });

  it.each([
    [
      'no server listens',
      'ssh://127.0.0.1:1',
      /^reach the engine on 127\.0\.0\.1 over ssh: exit code 255: ssh: connect to host 127\.0\.0\.1 port 1: .*; try "ssh -p 1 127\.0\.0\.1 docker version" by hand$/,
    ],
    ['no engine listens', '{server}/not/there.sock', /exit code 1: .*not\/there\.sock.*no such file/],
    ['the path needs quoting', "{server}/a%20'b;exit%207", /exit code 1: .*\/a 'b;exit 7.*no such file/],
  ])('reports the last output of ssh when %s', async (_when, given, message) => {
    const away = parseEndpoint(given.replace('{server}', server.address), 'spec');
    const agent = agentFor(away);
    const body = 'x'.repeat(1_000_000);
    await expect(ask(away, agent, { method: 'POST', path: '/images/load', body })).rejects.toMatchObject({
      code: 'ESSH',
      message: expect.stringMatching(message),
    });
    await expectNoProcessLeft();
  });

  it('ends an ssh that is still waiting for the remote host when its connection is destroyed', async () => {
    const silent = createTcpServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const connection = openSshConnection({ destination: '127.0.0.1', port: portOf(silent) });
    const [peer]: Socket[] = await once(silent, 'connection');
    const [client = 'none'] = server.clients();
    connection.destroy();
    await once(connection, 'close');
    expect(() => process.kill(Number.parseInt(client), 0)).toThrow(
      expect.objectContaining({ code: 'ESRCH' }),
    );
    peer?.destroy();
    silent.close();
  });

  it('reports a missing ssh', async () => {
    process.env['PATH'] = '/nowhere';
    try {
      await expect(ask(endpoint, agentFor(endpoint), { path: '/_ping' })).rejects.toMatchObject({
        code: 'ESSH',
        message: expect.stringContaining('spawn ssh ENOENT; install an OpenSSH client'),
      });
    } finally {
      process.env['PATH'] = server.path;
    }
  });

  describe('in a process of its own', () => {
    afterEach(() => {
      for (const client of clients.splice(0)) client.kill('SIGKILL');
    });

    it.each([['/_ping'], ['/events']])('does not keep the process alive after GET %s', async (path) => {
      const { exit, printed } = await startClient(endpoint, path, 'clearInterval(waiting);');
      expect(await exit).toEqual([0, null]);
      expect(printed).toEqual([path]);
      await expectNoProcessLeft();
    });

    it.each([['/_ping'], ['/events']])(
      'closes its connection when the process is killed after GET %s',
      async (path) => {
        const { pid, exit } = await startClient(endpoint, path, '');
        expect(server.clients()).toHaveLength(1);
        process.kill(pid, 'SIGKILL');
        expect(await exit).toEqual([null, 'SIGKILL']);
        await expectNoProcessLeft();
      },
    );

    it('stays connected for a cleanup after Ctrl-C', async () => {
      const { pid, exit, printed } = await startClient(
        endpoint,
        '/_ping',
        "process.on('SIGINT', () => ask('/version'));",
      );
      const before = server.clients();
      process.kill(-pid, 'SIGINT');
      await until(() => printed.length > 1, withinMs);
      expect(printed).toEqual(['/_ping', '/version']);
      expect(server.clients()).toEqual(before);
      process.kill(pid, 'SIGKILL');
      await exit;
      await expectNoProcessLeft();
    });
  });
});

const clients: ChildProcess[] = [];

/**
 * Starts a process that requests `path` over ssh, prints the path when the response starts, and then runs
 * `next`.
 */
async function startClient(endpoint: Endpoint, path: string, next: string) {
  const script = `
    const { agentFor } = require(${JSON.stringify(join(__dirname, '../../lib/engine/agent.ts'))});
    const agent = agentFor(${JSON.stringify(endpoint)});
    const waiting = setInterval(() => undefined, 1_000);
    const ask = (path) => require('node:http').get({ host: 'docker.ssh', path, agent }, (response) => {
      response.resume();
      process.stdout.write(path + '\\n');
    });
    ask(${JSON.stringify(path)}).once('response', () => { ${next} });`;
  const child = spawn(process.execPath, [...withTypeScript, '-e', script], {
    cwd: folder,
    env: process.env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  clients.push(child);
  const exit = once(child, 'exit');
  const printed: string[] = [];
  child.stdout.on('data', (chunk: Buffer) => printed.push(...chunk.toString().trim().split('\n')));
  await until(() => printed.length > 0, withinMs);
  return { pid: child.pid ?? 0, exit, printed };
}
