import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { built } from './built';
import { docker } from './things';
import { until } from './until';

/** A running `castoff run`. */
export interface CommandRun {
  readonly pid: number;
  /** Standard output so far. */
  stdout(): string;
  /** Resolves when standard output contains `part`. */
  printed(part: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<CommandEnd>;
}

/** The result of `castoff run`. */
export interface CommandEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** Standard output as it came. */
  readonly bytes: Buffer;
  readonly stderr: string;
}

/** How `castoff run` is called. */
export interface CommandRunCall {
  /** Before `--`. */
  readonly options?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts `castoff run` in front of a command, in a process group of its own. */
export function startCommandRun(
  command: readonly string[],
  { options = [], env = {}, cwd = '.' }: CommandRunCall = {},
): CommandRun {
  const child = spawn(process.execPath, [built.cli, 'run', ...options, '--', ...command], {
    cwd,
    detached: true,
    // Not for the specs themselves: in a container, and in CI, castoff reports more.
    env: { ...process.env, CI: '', CASTOFF_SWEEP: 'off', CASTOFF_RUN: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const bytes = (): Buffer => Buffer.concat(chunks);
  const stdout = (): string => bytes().toString();
  const stderr = text(child.stderr);
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  return {
    pid: child.pid ?? 0,
    stdout,
    async printed(part) {
      if (await until(() => stdout().includes(part))) return;
      throw new Error(`${command.join(' ')} has not printed ${part}: ${stdout()}`);
    },
    kill: (signal) => void child.kill(signal),
    ended: ended.then(async ([code, signal]) => {
      const output = { stderr: await stderr, stdout: stdout(), bytes: bytes() };
      return { code, signal, ...output };
    }),
  };
}

/** Runs `castoff run` in front of a command. */
export function runCommandRun(command: readonly string[], call: CommandRunCall = {}): Promise<CommandEnd> {
  return startCommandRun(command, call).ended;
}

/** Runs a shell script by `castoff run`. */
export function runScript(script: string, call: CommandRunCall = {}): Promise<CommandEnd> {
  return runCommandRun(['sh', '-c', script], call);
}

/** Lists what carries a label of this name (`name` or `name=value`) on the engine, as `<kind> <name>`. */
export async function listLabelled(label: string): Promise<readonly string[]> {
  const filters = { label: [label] };
  const [containers, networks, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ]);
  return [
    ...containers.map(({ Names }) => `container ${Names[0]?.slice(1) ?? ''}`),
    ...networks.map(({ Name }) => `network ${Name}`),
    ...(Volumes ?? []).map(({ Name }) => `volume ${Name}`),
  ];
}
