import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type Docker from 'dockerode';
import { labelNames } from '../../lib/core/labels';
import type { SessionOptions } from '../../lib/session/session';
import { findPrograms } from './close-engine';
import { docker } from './things';
import { until } from './until';

/** The options of {@link startSessionChild}. */
export interface ChildOptions {
  readonly reaper?: SessionOptions['reaper'];
  /** Default: the environment's. */
  readonly engine?: string | undefined;
  readonly containers?: number | undefined;
  /**
   * Whether its containers run. Default true. Creating and removing one that is not started costs a
   * thirtieth.
   */
  readonly areStarted?: boolean | undefined;
  /** How many sessions it opens, one after the other. Default 1. */
  readonly sessions?: number | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Default: this process's working directory. */
  readonly cwd?: string | undefined;
  /** Whether it leads its own process group. */
  readonly isDetached?: boolean | undefined;
}

/** A report of the fixture. */
export interface Told {
  readonly session: string;
  readonly openMs: readonly number[];
  readonly reaper?: string;
  readonly closed?: number;
}

/** A process with a session, some containers, a network and a volume, until it is killed. */
export interface SessionChild {
  readonly pid: number;
  readonly told: Told;
  /** Sends it a command, and resolves to its report. */
  ask(line: 'reaper' | 'make' | 'close'): Promise<Told>;
  /** Its output on stderr: its warnings. */
  readonly stderr: () => string;
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Ends its input: it then exits if nothing keeps it alive. Resolves to its exit code. */
  leave(): Promise<number | null>;
}

const program = join(__dirname, '../fixtures/reaper/hold-session.cjs');

/** Creates a temporary folder, whose sessions have their own host process. */
export async function openReaperFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-lease-'));
  const hosts = (): readonly number[] => findPrograms(folder);
  return {
    folder,
    /** The host processes that listen in it. */
    hosts,
    async [Symbol.asyncDispose]() {
      const haveEnded = await until(() => hosts().length === 0, 15_000, 200);
      for (const pid of hosts()) process.kill(pid, 'SIGKILL');
      await rm(folder, { recursive: true, force: true });
      if (!haveEnded) throw new Error(`wait for host processes in ${folder}: still running after 15 s`);
    },
  };
}

export async function startSessionChild(options: ChildOptions): Promise<SessionChild> {
  const {
    reaper,
    engine,
    containers = 2,
    areStarted,
    sessions = 1,
    env = {},
    cwd,
    isDetached = false,
  } = options;
  const asked = JSON.stringify({ reaper, engine, containers, areStarted, sessions });
  const child = spawn(process.execPath, [program, asked], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, CASTOFF_REAPER: '', ...env },
    cwd,
    detached: isDetached,
  });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Told> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`read from the child: it has exited: ${stderr}`);
    const told: Told = JSON.parse(line.value);
    return told;
  };
  const told = await next();
  return {
    pid: child.pid ?? 0,
    told,
    async ask(line) {
      child.stdin.write(`${line}\n`);
      return next();
    },
    stderr: () => stderr,
    kill: (signal = 'SIGKILL') => end(child, () => child.kill(signal)),
    async leave() {
      await end(child, () => child.stdin.end());
      return child.exitCode;
    },
  };
}

async function end(
  child: ChildProcessByStdio<Writable, Readable, Readable>,
  act: () => unknown,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  act();
  await exit;
}

/** Lists the resources of a session, except its reaper. */
export async function thingsOfSession(session: string, engine: Docker = docker): Promise<readonly string[]> {
  const filters = { label: [`${labelNames.session}=${session}`] };
  const [containers, networks, { Volumes }] = await Promise.all([
    engine.listContainers({ all: true, filters }),
    engine.listNetworks({ filters }),
    engine.listVolumes({ filters }),
  ]);
  return [
    ...containers
      .filter(({ Labels }) => Labels['castoff.reaper'] !== 'true')
      .map(({ Id }) => `container ${Id}`),
    ...networks.map(({ Id }) => `network ${Id}`),
    ...(Volumes ?? []).map(({ Name }) => `volume ${Name}`),
  ];
}

/**
 * Resolves to whether a session has neither resources nor a reaper container on the engine. Cheap to poll:
 * sends one request while there is a container.
 */
export async function isSessionGone(session: string, engine: Docker = docker): Promise<boolean> {
  const filters = { label: [`${labelNames.session}=${session}`] };
  if ((await engine.listContainers({ all: true, filters })).length > 0) return false;
  return (await thingsOfSession(session, engine)).length === 0;
}

/** Lists the reaper containers of a session. */
export async function reapersOfSession(session: string, engine: Docker = docker) {
  return engine.listContainers({
    all: true,
    filters: { label: [`${labelNames.session}=${session}`, 'castoff.reaper=true'] },
  });
}
