import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { limit, median, time, type Contender, type Job } from './paired.mts';

const run = promisify(execFile);
const enginePath = '/var/run/docker.sock';
const requestsPerRound = 200;

/** What a relay adds to a docker command, to a request on an open connection, and to the start of a container. */
export async function relayJobs(
  rounds: number,
): Promise<{ readonly jobs: readonly Job[] } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-bench-relay-'));
  const path = join(folder, 'relay.sock');
  const script = new URL('../support/require-typescript.cjs', import.meta.url).pathname;
  const server = new URL('relay-server.cjs', import.meta.url).pathname;
  const relay = spawn(process.execPath, ['--require', script, server, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(relay.stdout, 'data');
  const pairOf = (contender: (socketPath: string) => Contender['run'], budget: number) => ({
    subject: { name: 'through the relay', run: contender(path) },
    rivals: [{ contender: { name: 'directly', run: contender(enginePath) }, budget }],
  });
  return {
    jobs: [
      { name: 'a docker command', rounds: rounds * 6, ...pairOf(dockerCommand, 1.1) },
      { name: 'create, start and remove a container', rounds: rounds * 3, ...pairOf(container, 1.1) },
      {
        name: 'a request on an open connection',
        rounds,
        subject: { name: 'added by the relay', run: () => addedPerRequest(path) },
        rivals: [limit(0.3)],
      },
    ],
    async [Symbol.asyncDispose]() {
      const exited = once(relay, 'exit');
      relay.stdin.end();
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

function dockerCommand(socketPath: string): () => Promise<number> {
  const env = { ...process.env, DOCKER_HOST: `unix://${socketPath}` };
  return () => time(() => run('docker', ['ps'], { env }));
}

function container(socketPath: string): () => Promise<number> {
  const docker = new Docker({ socketPath });
  const options = {
    Image: 'castoff-spec/busybox:1',
    Cmd: ['sleep', '60'],
    HostConfig: { NetworkMode: 'none' },
  };
  return () =>
    time(async () => {
      const created = await docker.createContainer(options);
      await created.start();
      await created.remove({ force: true });
    });
}

/** The difference of the medians of requests that alternate between both connections, in milliseconds. */
async function addedPerRequest(relayPath: string): Promise<number> {
  const connections = [relayPath, enginePath].map((socketPath) => ({
    socketPath,
    agent: new Agent({ keepAlive: true, maxSockets: 1 }),
    times: [] as number[],
  }));
  for (let round = 0; round < requestsPerRound; round += 1) {
    for (const { socketPath, agent, times } of round % 2 === 0 ? connections : connections.toReversed()) {
      times.push(await time(() => ping(agent, socketPath)));
    }
  }
  for (const { agent } of connections) agent.destroy();
  const [relayed = Number.NaN, direct = Number.NaN] = connections.map(({ times }) => median(times));
  return relayed - direct;
}

async function ping(agent: Agent, socketPath: string): Promise<void> {
  const [response] = (await once(get({ agent, socketPath, path: '/_ping' }), 'response')) as [
    IncomingMessage,
  ];
  response.resume();
  await once(response, 'end');
}
