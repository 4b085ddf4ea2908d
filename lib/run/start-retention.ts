import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { CastoffError, messageOf } from '../core/errors';
import type { BoundedLabels } from '../core/bounds';
import type { Owner } from '../core/labels';
import { withTimeout } from '../core/timeout';
import type { Engine } from '../engine/engine';
import { passEndpoint } from '../engine/inherited-endpoint';
import { hostEnvironment } from '../lease/host-environment';
import { findPackageFolder } from '../lease/own-files';
import { retentionMs } from './retention';

/** What a keeper is told, as its argument. */
export interface RetentionOrder {
  readonly session: string;
  /** The run's: once it is gone, a sweep may take what is kept. */
  readonly owner: Owner;
  /** The parts of Compose projects, which do not carry the session's label. */
  readonly projects: readonly BoundedLabels[];
  readonly forMs: number;
  /** How often it looks whether anything is left that is to be kept. */
  readonly lookMs: number;
}

/** What it says when it holds the lease. */
export const retentionReady = 'holds';

const startTimeoutMs = 10_000;

/**
 * Has a process of its own hold the lease on what is left of the session, and remove that in the end: after `forMs` (default an
 * hour), or when it is ended. It outlives this one and the terminal; it ends by itself when nothing is left to be kept.
 *
 * @throws CastoffError `REAPER_UNAVAILABLE` when it does not come to hold the lease.
 */
export async function startRetention(
  engine: Engine,
  kept: Pick<RetentionOrder, 'session' | 'owner'> &
    Partial<Pick<RetentionOrder, 'forMs' | 'lookMs' | 'projects'>>,
): Promise<{ readonly pid: number }> {
  const order: RetentionOrder = { forMs: retentionMs, lookMs: 30_000, projects: [], ...kept };
  const program = join(findPackageFolder(), 'dist/keeper.js');
  const child = spawn(process.execPath, [program, JSON.stringify(order)], {
    cwd: '/',
    detached: true,
    windowsHide: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...hostEnvironment(process.env), CASTOFF_REAPER: process.env['CASTOFF_REAPER'] ?? '' },
  });
  passEndpoint(engine.connection.endpoint, child);
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => (words += chunk.toString()));
  try {
    await withTimeout(holds(child), { what: 'start a keeper', timeoutMs: startTimeoutMs });
  } catch (cause) {
    child.kill();
    throw new CastoffError(
      'REAPER_UNAVAILABLE',
      `keep what a failed test has left of session ${order.session} (${program}): ${messageOf(cause)}; it stays until the next sweep${words === '' ? '' : `\n${words.trimEnd()}`}`,
      { cause },
    );
  } finally {
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.unref();
  }
  return { pid: child.pid ?? 0 };
}

async function holds(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit').then(([code]: unknown[]) => {
    throw new Error(`it ended with exit code ${String(code)}`);
  });
  const said = child.stdout === null ? ended : once(child.stdout, 'data');
  await Promise.race([said, ended]);
}
