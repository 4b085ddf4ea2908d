import { execFile, spawn } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { askEngine } from './ask-engine';
import { until } from './until';

const run = promisify(execFile);
const startTimeoutMs = 15_000;
const stopTimeoutMs = 10_000;

/** A second engine in addition to the machine's own, reachable through its unix socket only. */
export interface SecondEngine extends AsyncDisposable {
  readonly address: string;
  readonly socketPath: string;
  /**
   * Removes its containers, ends its processes and deletes its folder; all its mounts and networks go with
   * them.
   */
  close(): Promise<void>;
}

/** One process of an engine, the leader of a process group of its own. */
export interface EngineProcess {
  readonly pid: number;
  isRunning(): boolean;
  /** Sends the signal and waits for the exit; kills the process after 10 s. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  lastLogLines(): string;
}

/** Creates the folder of a second engine. Leftovers are recognised by its name. */
export async function createEngineFolder(): Promise<string> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new Error('open a second engine: it needs Linux and root, for namespaces and mounts of its own');
  }
  return mkdtemp(join(tmpdir(), 'castoff-engine-'));
}

/**
 * Wraps a command in its own network and mount namespaces. Files that an engine writes outside its folder
 * (addresses in /var/lib/cni, sockets in /run/containerd, /etc/docker/key.json, from which the engine's id
 * comes) are on a tmpfs that ends with the last process. The machine's docker0 and Docker configuration are
 * not accessible.
 */
export function inOwnNamespaces(folder: string, command: readonly string[]): string[] {
  const setup = `
    ip link set lo up
    mkdir "$0/aside"
    mount -t tmpfs tmpfs "$0/aside"
    for place in etc run var/lib; do
      mkdir -p "$0/aside/$place/upper" "$0/aside/$place/work"
      mount -t overlay -o "lowerdir=/$place,upperdir=$0/aside/$place/upper,workdir=$0/aside/$place/work" overlay "/$place"
    done
    mount -t tmpfs tmpfs /dev/shm
    rm -rf /etc/docker /run/containerd
    exec "$@"`;
  return ['unshare', '--net', '--mount', 'sh', '-euc', setup, folder, ...command];
}

/** Starts a process whose output goes to `<folder>/<name>.log`. */
export function startProcess(
  folder: string,
  name: string,
  [command = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv = {},
): EngineProcess {
  const logPath = join(folder, `${name}.log`);
  const log = openSync(logPath, 'a');
  const path = `${process.env['PATH']}:/usr/sbin:/sbin`;
  const child = spawn(command, args, {
    cwd: '/',
    detached: true,
    env: { ...process.env, ...env, PATH: path },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.unref();
  const hasEnded = new AbortController();
  const ended = new Promise<void>((resolve) => hasEnded.signal.addEventListener('abort', () => resolve()));
  child.once('exit', () => hasEnded.abort());
  child.once('error', (error) => {
    appendFileSync(logPath, `${error.message}\n`);
    hasEnded.abort();
  });
  return {
    pid: child.pid ?? 0,
    isRunning: () => !hasEnded.signal.aborted,
    end: async (signal) => {
      child.kill(signal);
      const isLate = await Promise.race([ended, delay(stopTimeoutMs, true, { ref: false })]);
      if (isLate) child.kill('SIGKILL');
      await ended;
    },
    lastLogLines: () => endOfLog(readFileSync(logPath, 'utf8').trimEnd().split('\n')),
  };
}

/** Returns the last lines of its log, or its panic. */
function endOfLog(lines: readonly string[]): string {
  const panic = lines.findLastIndex((line) => /^(panic|fatal error):/.test(line));
  return (panic === -1 ? lines.slice(-15) : lines.slice(panic, panic + 25)).join('\n');
}

/** Waits until an engine answers `GET /_ping` on the socket of a process. */
export async function waitUntilAnswers(engine: EngineProcess, socketPath: string): Promise<void> {
  await waitForStart(engine, socketPath, async () => {
    const answer = await askEngine(socketPath, 'GET', '/_ping').catch((cause: unknown) => String(cause));
    return typeof answer !== 'string' && answer.status === 200;
  });
}

/** Waits for the socket file of a process. */
export async function waitUntilListens(process: EngineProcess, socketPath: string): Promise<void> {
  await waitForStart(process, socketPath, () => Promise.resolve(existsSync(socketPath)));
}

async function waitForStart(engine: EngineProcess, socketPath: string, isUp: () => Promise<boolean>) {
  const hasSettled = async () => !engine.isRunning() || (await isUp());
  const inTime = await until(hasSettled, startTimeoutMs);
  if (inTime && engine.isRunning()) return;
  const what = inTime ? 'ended' : `did not answer within ${startTimeoutMs} ms`;
  throw new Error(
    `start an engine at ${socketPath}: process ${engine.pid} ${what}; its last lines:\n${engine.lastLogLines()}`,
  );
}

/** Builds the spec image on that engine. */
export async function bringSpecImage(address: string): Promise<void> {
  const script = join(__dirname, '../../docker/images.sh');
  await run(script, { env: { ...process.env, DOCKER_HOST: address } });
}
