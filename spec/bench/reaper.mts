import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { openHost } from './reaper-host.mts';
import { limit, roundsOfSums, time, type Contender, type Job } from './paired.mts';

const docker = new Docker();
const run = promisify(execFile);
const { resolve } = createRequire(import.meta.url);

const ownImage = `castoff/reaper:${JSON.parse(readFileSync(resolve('castoff/package.json'), 'utf8')).version}`;
const original = 'testcontainers/ryuk:0.14.0';
const graceMs = 500;
const count = 30;

/** What a dead owner's reaper does, and what it costs to have one. */
export async function reaperJobs(rounds: number): Promise<readonly Job[]> {
  const beside = (await hasImage(original)) ? [killedJob('process', 1, killedBesideRyuk())] : [];
  return [
    killedJob('process', roundsOfSums(rounds)),
    killedJob('container', roundsOfSums(rounds)),
    ...beside,
    openJob('process', rounds * 3, [limit(100)]),
    openJob('container', rounds * 2, [{ contender: runImage(), budget: 1.2 }]),
    hostJob('the reaper is ready', 'ms', rounds * 2, limit(100), async (host) => host.readyAfterMs),
    hostJob('the reaper, idle: private (RssAnon)', 'MiB', rounds, limit(16, 'MiB'), (host) =>
      host.memoryMiB('RssAnon'),
    ),
    hostJob('the reaper, idle: resident (VmRSS)', 'MiB', rounds, limit(60, 'MiB'), (host) =>
      host.memoryMiB('VmRSS'),
    ),
    hostJob(
      'the reaper with 1 000 leases of 10 claims: resident',
      'MiB',
      3,
      limit(100, 'MiB'),
      async (host) => {
        await host.takeLeases(1_000, 10);
        return host.memoryMiB('VmRSS');
      },
    ),
    hostJob(
      'the reaper, 40 MiB of lines from a client that never reads: private (RssAnon)',
      'MiB',
      rounds,
      limit(60, 'MiB'),
      async (host) => {
        await host.floodUnread();
        return host.memoryMiB('RssAnon');
      },
    ),
    hostJob(
      'the reaper, 10 000 connections that send nothing: resident (VmRSS)',
      'MiB',
      rounds,
      limit(100, 'MiB'),
      async (host) => {
        await host.takeSilentConnections(10_000);
        return host.memoryMiB('VmRSS');
      },
    ),
  ];
}

type Mode = 'process' | 'container';

/** From the kill of an owner of running containers until the last of them is gone. */
function killedJob(mode: Mode, rounds: number, beside?: Contender): Job {
  const grace = beside === undefined ? graceMs : 0;
  return {
    name: `an owner of ${count} containers is killed`,
    rounds,
    subject: {
      name: `reaper as ${mode}${grace > 0 ? `, less its grace of ${grace} ms` : ''}`,
      async run() {
        await using owner = await startOwner(
          `require(${JSON.stringify(resolve('castoff'))}).openSession({ reaper: '${mode}' })
             .then((session) => console.log(JSON.stringify(session.labels)))`,
        );
        const gone = await startContainers(JSON.parse(owner.line) as Record<string, string>);
        return (await time(() => Promise.all([owner.kill(), gone()]))) - grace;
      },
    },
    rivals: [
      beside === undefined ? { contender: rawDelete(), budget: 1.1 } : { contender: beside, budget: 1 },
    ],
  };
}

function rawDelete(): Contender {
  return {
    name: 'raw parallel DELETE force',
    async run() {
      const ids: string[] = [];
      const gone = await startContainers({}, ids);
      return time(async () => {
        await Promise.all(ids.map((id) => docker.getContainer(id).remove({ force: true, v: true })));
        await gone();
      });
    },
  };
}

function killedBesideRyuk(): Contender {
  return {
    name: `${original} with its window of 10 s`,
    async run() {
      const labels = { 'org.testcontainers.session-id': `bench-${process.pid}-${Date.now()}` };
      const port = await startRyuk();
      await using owner = await startOwner(
        `const socket = require('net').connect(${port}, '127.0.0.1');
         socket.write('label=${Object.entries(labels).flat().join('=')}\\n');
         socket.once('data', () => console.log('ready'))`,
      );
      const gone = await startContainers(labels);
      return await time(() => Promise.all([owner.kill(), gone()]));
    },
  };
}

async function startRyuk(): Promise<number> {
  const container = await docker.createContainer({
    Image: original,
    ExposedPorts: { '8080/tcp': {} },
    HostConfig: {
      AutoRemove: true,
      Binds: ['/var/run/docker.sock:/var/run/docker.sock'],
      PortBindings: { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
    },
  });
  await startAndRead(container, 'Started');
  const { NetworkSettings } = await container.inspect();
  return Number(NetworkSettings.Ports['8080/tcp']?.[0]?.HostPort);
}

/** Starts it and waits until it says `word`. */
async function startAndRead(container: Docker.Container, word: string): Promise<void> {
  const log = await container.attach({ stream: true, stdout: true, stderr: true });
  await container.start();
  for await (const piece of log) if (String(piece).includes(word)) return;
  throw new Error(`start ${container.id}: it ended without saying ${word}`);
}

/** A process of its own, which holds what `program` opens until it is killed. Its first line is waited for. */
async function startOwner(program: string) {
  const child = spawn(process.execPath, ['-e', `${program}; setInterval(() => undefined, 60_000)`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(() => Promise.reject(new Error('the owner ended before it was killed'))),
  ])) as [string];
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return { line, kill, [Symbol.asyncDispose]: kill };
}

/** Resolves, when all are running, to a function that waits until all are gone. */
async function startContainers(labels: Record<string, string>, ids: string[] = []) {
  const goings = await Promise.all(
    Array.from({ length: count }, async () => {
      const Cmd = ['sleep', '3600'];
      const container = await docker.createContainer({
        Image: 'castoff-spec/busybox:1',
        Cmd,
        Labels: labels,
      });
      ids.push(container.id);
      await container.start();
      return { going: container.wait({ condition: 'removed' }) as Promise<unknown> };
    }),
  );
  return () => Promise.all(goings.map(({ going }) => going));
}

/** What a session costs before a container may be created. */
function openJob(mode: Mode, rounds: number, rivals: Job['rivals']): Job {
  return {
    name: `openSession({ reaper: '${mode}' })`,
    rounds,
    subject: {
      name: 'in a fresh process, castoff loaded',
      async run() {
        // A folder of its own: no host process of the round before.
        const TMPDIR = await mkdtemp(join(tmpdir(), 'castoff-bench-'));
        const program = [
          '-e',
          `const { openSession } = require(${JSON.stringify(resolve('castoff'))});
           const startedAt = performance.now();
           openSession({ reaper: '${mode}' }).then(async (session) => {
             console.log(performance.now() - startedAt);
             await session.close();
           })`,
        ];
        const { stdout } = await run(process.execPath, program, { env: { ...process.env, TMPDIR } });
        await rm(TMPDIR, { recursive: true });
        if (stdout === '')
          throw new Error(`open a session with ${mode}: its process ended before it was open`);
        return Number(stdout);
      },
    },
    rivals,
  };
}

/** The image's own start as a user has it, with a process of its own too, until it listens. */
function runImage(): Contender {
  return {
    name: `docker run ${ownImage}`,
    async run() {
      const name = `castoff-bench-${process.pid}`;
      const socket = '/var/run/docker.sock:/var/run/docker.sock';
      const args = ['run', '--rm', '--name', name, '--volume', socket, ownImage];
      const ms = await time(async () => {
        const child = spawn('docker', args, { stdio: ['ignore', 'pipe', 'inherit'] });
        const ended = once(child, 'exit').then(() =>
          Promise.reject(new Error(`docker ${args.join(' ')}: it ended`)),
        );
        const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as [string];
        if (!line.includes('Started')) throw new Error(`docker ${args.join(' ')}: it began with ${line}`);
        ended.catch(() => undefined); // It is removed below.
      });
      await docker.getContainer(name).remove({ force: true });
      return ms;
    },
  };
}

function hostJob(
  name: string,
  unit: 'ms' | 'MiB',
  rounds: number,
  rival: Job['rivals'][number],
  measure: (host: Awaited<ReturnType<typeof openHost>>) => Promise<number> | number,
): Job {
  return {
    name,
    unit,
    rounds,
    subject: {
      name: 'as a process of this machine',
      async run() {
        await using host = await openHost();
        return await measure(host);
      },
    },
    rivals: [rival],
  };
}

async function hasImage(name: string): Promise<boolean> {
  const images = await docker.listImages({ filters: { reference: [name] } });
  return images.length > 0;
}
