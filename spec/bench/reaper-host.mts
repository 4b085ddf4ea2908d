import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const { resolve } = createRequire(import.meta.url);
const program = join(dirname(resolve('castoff/package.json')), 'dist/reaper-server.js');

/** Starts the reaper as a process, at a socket of its own, and waits until it answers. Disposing of it kills it. */
export async function openHost() {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-bench-'));
  const path = join(folder, 'reaper.sock');
  const startedAt = performance.now();
  const child = spawn(process.execPath, [program, 'host', path], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, CASTOFF_REAPER_SOCKET: path },
  });
  const ended = once(child, 'exit');
  const first = await openLease(path, 'bench', []);
  const readyAfterMs = performance.now() - startedAt;
  const sockets = [first];
  return {
    readyAfterMs,
    /** What /proc says of it now, a second after the last that happened. */
    async memoryMiB(field: 'RssAnon' | 'VmRSS'): Promise<number> {
      await delay(1_000);
      const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
      return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 1_024;
    },
    async takeLeases(leases: number, claims: number): Promise<void> {
      for (let lease = 1; lease < leases; lease += 1) {
        const labels = Array.from({ length: claims }, (_, claim) => `castoff.bench=${lease}-${claim}`);
        sockets.push(await openLease(path, `bench-${lease}`, labels));
      }
    },
    /** Sends 40 MiB of lines that are refused, on a connection whose answers are never read. */
    async floodUnread(): Promise<void> {
      const socket = await connectWhenThere(path);
      sockets.push(socket);
      for (let times = 0; times < 40; times += 1) socket.write('status=running\n'.repeat(65_536));
    },
    async takeSilentConnections(count: number): Promise<void> {
      for (let one = 0; one < count; one += 1) sockets.push(await connectWhenThere(path));
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
      for (const socket of sockets) socket.destroy();
      await rm(folder, { recursive: true });
    },
  };
}

/** Says hello, as castoff does, and claims each of `labels`. */
async function openLease(path: string, session: string, labels: readonly string[]): Promise<Socket> {
  const socket = await connectWhenThere(path);
  const owner = { host: hostname(), pid: process.pid };
  const requests = [
    { type: 'hello', protocol: 3, version: 'bench', session, owner },
    ...labels.map((label) => ({ type: 'claim', labels: [label] })),
  ];
  const lines = requests.map((request, index) => JSON.stringify({ id: index + 1, ...request }));
  socket.write(`${lines.join('\n')}\n`);
  let answers = 0;
  for await (const line of createInterface(socket)) {
    if (!(JSON.parse(line) as { ok: boolean }).ok) throw new Error(`take a lease at ${path}: ${line}`);
    answers += 1;
    if (answers === requests.length) break;
  }
  return socket;
}

async function connectWhenThere(path: string): Promise<Socket> {
  for (let attempt = 0; attempt < 2_000; attempt += 1) {
    const socket = connect(path);
    try {
      await once(socket, 'connect');
      // The reaper is killed at the end.
      socket.on('error', () => undefined);
      return socket;
    } catch {
      // ENOENT, ECONNREFUSED: it does not listen yet.
      await delay(5);
    }
  }
  throw new Error(`connect to the reaper at ${path}: nobody listens`);
}
