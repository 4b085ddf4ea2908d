import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { digestBounds } from '../core/bounds';
import { labelNames, type Owner } from '../core/labels';
import { packageVersion } from '../core/package-version';
import { protocolVersion } from '../reaper/protocol/message';
import { claimedLabels, onClaim } from '../registry/claims';
import { makeOwnFolder } from '../registry/own-folder';
import { hostEnvironment } from './host-environment';
import { reaperProgram } from './own-files';

/** A lease that was taken without waiting. */
export interface InterimLease {
  /** Whether the reaper has accepted it. Blocks the process until it answers, for 2 s at most. */
  isHeld(): boolean;
  /** Gives up its claims, whose resources another lease holds or are to be kept, and ends the reaper. */
  release(): void;
  /** Ends the lease and the reaper, which removes at once what the claims still cover. */
  close(): void;
}

const answerTimeoutMs = 2_000;
const pollMs = 20;

/**
 * Takes a lease on what carries the session's label, at a reaper process that serves this one alone, by its standard input. It is there
 * for what cannot wait: the claim is in the pipe when this returns, and the pipe ends with this process, also while a synchronous command
 * blocks it.
 */
export function openInterimLease(session: string, owner: Owner): InterimLease {
  const replies = openReplies();
  const child = spawn(process.execPath, [reaperProgram(), 'attached'], {
    detached: true,
    windowsHide: true,
    stdio: ['pipe', replies, 'ignore'],
    // It works in this folder and is given what names the engine, so that it finds the engine that docker commands find here.
    env: { ...hostEnvironment(process.env), ...dockerVariables() },
  });
  const { stdin } = child;
  if (stdin === null) throw new Error('the reaper has no standard input');
  // ENOENT, EAGAIN: no process was started; nothing answers then. EPIPE: it has ended.
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
  const first = [{ labels: [`${labelNames.session}=${session}`] }, ...claimedLabels()];
  for (const { labels, bounds } of first) send({ type: 'claim', labels, bounds: digestBounds(bounds) });
  const needed = lastId;
  const claims = new Map(first.map((claim) => [JSON.stringify(claim), claim]));
  const stopListening = onClaim({
    claim: async (labels, bounds) => {
      claims.set(JSON.stringify({ labels, bounds }), { labels, bounds });
      send({ type: 'claim', labels, bounds: digestBounds(bounds) });
    },
    release: async (labels, bounds) => {
      claims.delete(JSON.stringify({ labels, bounds }));
      send({ type: 'release', labels, bounds: digestBounds(bounds) });
    },
  });
  let hasEnded = false;
  const end = (): void => {
    hasEnded = true;
    stopListening();
    send({ type: 'bye' });
    stdin.end();
    closeSync(replies);
  };
  return {
    isHeld: () => !hasEnded && areAccepted(replies, needed),
    release() {
      if (hasEnded) return;
      for (const { labels, bounds } of claims.values())
        send({ type: 'release', labels, bounds: digestBounds(bounds) });
      end();
    },
    close() {
      if (!hasEnded) end();
    },
  };
}

/** A file without a name, which can be read while the event loop does not run. */
function openReplies(): number {
  const path = join(makeOwnFolder(), `interim-${randomBytes(6).toString('hex')}`);
  try {
    return openSync(path, 'wx+', 0o600);
  } finally {
    rmSync(path, { force: true });
  }
}

function dockerVariables(): Record<string, string> {
  const entries = Object.entries(process.env).filter(([name]) => name.startsWith('DOCKER_'));
  return Object.fromEntries(entries.map(([name, value = '']) => [name, value]));
}

function areAccepted(replies: number, count: number): boolean {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const limitMs = performance.now() + answerTimeoutMs;
  for (;;) {
    const answers = readLines(replies).map((line) => JSON.parse(line) as { readonly ok?: unknown });
    if (answers.some(({ ok }) => ok !== true)) return false;
    if (answers.length >= count) return true;
    if (performance.now() > limitMs) return false;
    Atomics.wait(cell, 0, 0, pollMs);
  }
}

function readLines(file: number): readonly string[] {
  const bytes = Buffer.alloc(fstatSync(file).size);
  const length = readSync(file, bytes, 0, bytes.length, 0);
  // The last one may be incomplete.
  return bytes.toString('utf8', 0, length).split('\n').slice(0, -1);
}

// Pipes are sockets, although their type is `Writable`.
function unref(pipe: object): void {
  if ('unref' in pipe && typeof pipe.unref === 'function') pipe.unref();
}
