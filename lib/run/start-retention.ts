import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { CastoffError, messageOf } from '../core/errors';
import type { BoundedLabels } from '../core/bounds';
import type { Owner } from '../core/labels';
import { withTimeout } from '../core/timeout';
import { readVariable } from '../core/environment';
import type { Engine } from '../engine/engine';
import { passEndpoint } from '../engine/inherited-endpoint';
import { hostEnvironment } from '../lease/host-environment';
import { findPackageFolder } from '../lease/own-files';
import { retentionMs } from './retention';

/** The argument of a retention process, as JSON. */
export interface RetentionRequest {
  readonly session: string;
  /** The run's owner: once it is dead, a sweep may remove the kept resources. */
  readonly owner: Owner;
  /** The claims on kept Compose projects, whose parts do not carry the session's label. */
  readonly projects: readonly BoundedLabels[];
  /** How long to keep the resources, in milliseconds. */
  readonly forMs: number;
  /** How often to check whether any of them still exists, in milliseconds. */
  readonly checkIntervalMs: number;
}

/** The line that a retention process prints when it holds the lease. */
export const retentionReady = 'holds';

const startTimeoutMs = 10_000;

/**
 * Starts a detached process that holds the lease on the session's kept resources, and removes them after
 * `forMs` or when it receives a signal to end. It survives this process and the terminal, and exits early
 * when none of the resources exists.
 *
 * Resolves when that process holds the lease.
 *
 * @param kept.forMs - Default one hour.
 * @param kept.checkIntervalMs - Default 30 000.
 * @throws CastoffError `REAPER_UNAVAILABLE` when it does not hold the lease within 10 s.
 */
export async function startRetention(
  engine: Engine,
  kept: Pick<RetentionRequest, 'session' | 'owner'> &
    Partial<Pick<RetentionRequest, 'forMs' | 'checkIntervalMs' | 'projects'>>,
): Promise<{ readonly pid: number }> {
  const request: RetentionRequest = { forMs: retentionMs, checkIntervalMs: 30_000, projects: [], ...kept };
  const program = join(findPackageFolder(), 'dist/retain.js');
  const child = spawn(process.execPath, [program, JSON.stringify(request)], {
    cwd: '/',
    detached: true,
    windowsHide: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...hostEnvironment(process.env), CASTOFF_REAPER: readVariable('CASTOFF_REAPER') },
  });
  passEndpoint(engine.connection.endpoint, child);
  let output = '';
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  try {
    await withTimeout(untilReady(child), { what: 'start a retention process', timeoutMs: startTimeoutMs });
  } catch (cause) {
    child.kill();
    throw new CastoffError(
      'REAPER_UNAVAILABLE',
      `keep the resources of failed tests of session ${request.session} (${program}): ${messageOf(cause)}; they stay until the next sweep${output === '' ? '' : `\n${output.trimEnd()}`}`,
      { cause },
    );
  } finally {
    child.stdout?.destroy();
    child.stderr?.destroy();
    child.unref();
  }
  return { pid: child.pid ?? 0 };
}

async function untilReady(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit').then(([code]: unknown[]) => {
    throw new Error(`it exited with code ${String(code)}`);
  });
  const printed = child.stdout === null ? exited : once(child.stdout, 'data');
  await Promise.race([printed, exited]);
}
