import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { claimKey, digestBounds, type BoundedLabels } from '../core/bounds';
import { labelNames, type Owner } from '../core/labels';
import { packageVersion } from '../core/package-version';
import { randomHex } from '../core/random-hex';
import { thisMachine } from '../engine/engine-facts';
import { protocolVersion } from '../reaper/protocol/message';
import { claimedLabels, onClaim } from '../registry/claims';
import { parseReply } from '../wire/request-connection';
import { makeOwnFolder } from '../registry/own-folder';
import { hostEnvironment } from './host-environment';
import { findReaperProgram } from './own-files';
import type { Retention } from './session-lease';

/** A lease taken synchronously. */
export interface InterimLease {
  /** Whether the reaper has accepted the lease. Blocks the process until it answers, for 2 s at most. */
  isHeld(): boolean;
  /** Releases all claims, because another lease holds them, and ends the reaper. */
  release(): void;
  /**
   * Ends the lease and the reaper, which first removes the resources that the claims still cover; with a
   * retention, only those that its claims cover, and when its time has passed.
   */
  close(retention: Retention | undefined): void;
}

const answerTimeoutMs = 2_000;
const pollMs = 20;

/**
 * Takes a lease on the resources with the session's label, from a reaper process that serves only this
 * process, over its stdin.
 *
 * Serves callers that cannot wait: the claim is in the pipe when this returns. The pipe closes when this
 * process ends, also while a synchronous command blocks it.
 */
export function openInterimLease(session: string, owner: Owner): InterimLease {
  const replies = openReplies();
  const child = spawn(process.execPath, [findReaperProgram(), 'sidecar'], {
    detached: true,
    windowsHide: true,
    stdio: ['pipe', replies, 'ignore'],
    // Inherits the working directory and Docker's variables, so that it finds the same engine as docker
    // commands do here.
    env: { ...hostEnvironment(process.env), ...dockerVariables() },
  });
  const { stdin } = child;
  if (stdin === null) throw new Error('the reaper has no standard input');
  // ENOENT, EAGAIN: the process did not start, and `isHeld` times out. EPIPE: it has exited.
  child.on('error', () => undefined);
  stdin.on('error', () => undefined);
  child.unref();
  unref(stdin);
  let lastId = 0;
  const send = (request: object): void => {
    lastId += 1;
    stdin.write(`${JSON.stringify({ id: lastId, ...request })}\n`);
  };
  send({ type: 'hello', protocol: protocolVersion, version: packageVersion, session, owner });
  const sendClaim = (type: 'claim' | 'release', { labels, bounds }: BoundedLabels): void =>
    send({ type, labels, bounds: digestBounds(bounds) });
  const ofProcess = (): readonly BoundedLabels[] => [
    { labels: [`${labelNames.session}=${session}`] },
    ...claimedLabels(),
  ];
  for (const claim of ofProcess()) sendClaim('claim', claim);
  const expectedReplies = lastId;
  const stopListening = onClaim({
    claim: async (labels, bounds) => sendClaim('claim', { labels, bounds }),
    release: async (labels, bounds) => sendClaim('release', { labels, bounds }),
  });
  let isEnded = false;
  const isHeld = (): boolean => !isEnded && areAccepted(replies, expectedReplies);
  const releaseExcept = (kept: readonly BoundedLabels[]): void => {
    const keys = new Set(kept.map(keyOf));
    for (const claim of ofProcess()) if (!keys.has(keyOf(claim))) sendClaim('release', claim);
  };
  const end = (keepMs?: number): void => {
    isEnded = true;
    stopListening();
    send({ type: 'bye', keepMs });
    stdin.end();
    closeSync(replies);
  };
  return {
    isHeld,
    release() {
      if (isEnded) return;
      releaseExcept([]);
      end();
    },
    close(retention) {
      if (isEnded) return;
      const isAccepted = retention !== undefined && isHeld();
      if (retention !== undefined) releaseExcept(retention.claims);
      end(retention?.keepMs);
      if (isAccepted) retention.onAccepted();
    },
  };
}

/** Opens an unlinked file for the replies: unlike a pipe, it can be read while the event loop is blocked. */
function openReplies(): number {
  const path = join(makeOwnFolder(), `interim-${randomHex(6)}`);
  try {
    return openSync(path, 'wx+', 0o600);
  } finally {
    rmSync(path, { force: true });
  }
}

function dockerVariables(): Record<string, string> {
  const entries = Object.entries(thisMachine().env).filter(([name]) => name.startsWith('DOCKER_'));
  return Object.fromEntries(entries.map(([name, value = '']) => [name, value]));
}

function areAccepted(replies: number, count: number): boolean {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const limitMs = performance.now() + answerTimeoutMs;
  for (;;) {
    const received = readLines(replies).map((line) => parseReply(line));
    if (received.some((reply) => reply?.ok !== true)) return false;
    if (received.length >= count) return true;
    if (performance.now() > limitMs) return false;
    Atomics.wait(cell, 0, 0, pollMs);
  }
}

function readLines(file: number): readonly string[] {
  const bytes = Buffer.alloc(fstatSync(file).size);
  const length = readSync(file, bytes, 0, bytes.length, 0);
  // The last line may be incomplete.
  return bytes.toString('utf8', 0, length).split('\n').slice(0, -1);
}

// Pipes are sockets, although their type is `Writable`.
function unref(pipe: object): void {
  if ('unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
}

function keyOf({ labels, bounds }: BoundedLabels): string {
  return claimKey(labels, bounds);
}
