import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type Docker from 'dockerode';
import type { RemovableKind } from '../../lib/core/kinds';
import type { RegistryEntry } from '../../lib/registry/entry';
import { docker, exists, uniqueName } from './things';

/** A process that has opened a session and waits to be killed. Its session has a network, a container and two adopted volumes. */
export interface StartedSession {
  readonly pid: number;
  readonly session: string;
  readonly entries: readonly RegistryEntry[];
  /** The names of its volumes: they carry no labels, its journal alone names them. */
  readonly volumes: readonly [string, string];
  /** Those of `entries` that the engine has. */
  listLeft(): Promise<readonly RegistryEntry[]>;
  kill(): Promise<void>;
}

const program = join(__dirname, '../fixtures/crash/start-and-wait.cjs');

export async function startSession(
  env: NodeJS.ProcessEnv = {},
  engine: Docker = docker,
): Promise<StartedSession> {
  const volumes = [uniqueName(), uniqueName()] as const;
  const owner = spawn(process.execPath, [program, volumes.join(',')], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1', ...env },
  });
  const [line] = await once(createInterface(owner.stdout), 'line');
  const started: Pick<StartedSession, 'session' | 'entries'> = JSON.parse(String(line));
  return {
    ...started,
    pid: owner.pid ?? 0,
    volumes,
    async listLeft() {
      const isThere = await Promise.all(
        started.entries.map(({ kind, id }) => exists(kind as RemovableKind, id ?? '', engine)),
      );
      return started.entries.filter((_, index) => isThere[index]);
    },
    kill: () => killAndWait(owner),
  };
}

export async function killAndWait(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
