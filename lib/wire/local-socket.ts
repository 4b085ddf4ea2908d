import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  closeSync,
  renameSync,
  unlinkSync,
  type BigIntStats,
} from 'node:fs';
import { once } from 'node:events';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { CastoffError } from '../core/errors';

/** Has a server listen. `close`: what else there is to do before it stops. `undefined`: another serves there already. */
export type Listen = (
  server: Server,
) => Promise<{ readonly where: string; readonly close?: () => void } | undefined>;

/** The longest path of a socket that every platform can bind. @see macOS, sun_path[104] */
const longestPath = 103;
/** A takeover is four file operations; one that has not come to its end by then was killed. */
const takeoverMs = 2_000;
const pollMs = 20;

/**
 * Listens at `path`, for this user alone, unless a living process does already: then there is no way. It binds under a private
 * name and then moves to `path` in one step: of several that start at once one gets it, and nobody ever finds one that does not
 * answer yet. The socket of a process that was killed is replaced. On Windows `path` is a named pipe, and the system does that.
 *
 * @param options.replacing - A socket to replace although a process listens there, as {@link socketIdentity} names it. That process keeps
 *   the clients that it has.
 * @throws CastoffError `CONFIG_INVALID` when the folder is not this user's alone, or the path is too long.
 */
export function listenLocally(
  path: string,
  { replacing }: { readonly replacing?: string | undefined } = {},
): Listen {
  if (process.platform === 'win32') return (server) => listenAtPipe(server, path);
  return async (server) => {
    const privatePath = `${path}.${randomBytes(3).toString('hex')}`;
    checkPath(path, privatePath);
    server.listen(privatePath);
    await once(server, 'listening');
    chmodSync(privatePath, 0o600);
    if (!(await takePath(privatePath, path, replacing))) {
      server.close();
      removeFile(privatePath);
      return undefined;
    }
    const ours = lstatSync(path, { bigint: true });
    const close = () => {
      // Before it stops listening: until then nobody takes the path over.
      if (isSame(look(path), ours)) removeFile(path);
    };
    return { where: path, close };
  };
}

/** Whether `path` leads to the socket at `privatePath` now; else a living process has it. */
async function takePath(privatePath: string, path: string, replacing: string | undefined): Promise<boolean> {
  for (;;) {
    if (linkIfFree(privatePath, path)) {
      removeFile(privatePath);
      return true;
    }
    const stale = look(path);
    if (stale === undefined) continue;
    if (identityOfStats(stale) !== replacing && (await isServed(path))) return false;
    if (replaceStale(privatePath, path, stale)) return true;
    // Somebody else replaces it: then it is served, or, if they were killed over it, still the stale one.
    await delay(pollMs);
  }
}

/** Whoever makes the marker replaces this very socket, and nobody else does; a marker that has been left has had its time. */
function replaceStale(privatePath: string, path: string, stale: BigIntStats): boolean {
  const marker = `${path}.takeover-${stale.ino}-${stale.ctimeNs}`;
  if (!makeMarker(marker)) return false;
  try {
    if (!isSame(look(path), stale)) return false;
    renameSync(privatePath, path);
    return true;
  } finally {
    removeFile(marker);
  }
}

function makeMarker(marker: string): boolean {
  try {
    closeSync(openSync(marker, 'wx', 0o600));
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    const left = look(marker);
    if (left !== undefined && Date.now() - Number(left.mtimeMs) > takeoverMs) removeFile(marker);
    return false;
  }
}

async function listenAtPipe(server: Server, path: string): Promise<{ where: string } | undefined> {
  try {
    server.listen(path);
    await once(server, 'listening');
    return { where: path };
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE') || hasCode(error, 'EACCES')) return undefined;
    throw error;
  }
}

/** Whether a process accepts connections there. */
export async function isServed(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    if (hasCode(error, 'ECONNREFUSED') || hasCode(error, 'ENOENT') || hasCode(error, 'ENOTSOCK'))
      return false;
    // EAGAIN: so many come at once that the queue is full; EACCES: another user's.
    return true;
  } finally {
    socket.destroy();
  }
}

function checkPath(path: string, privatePath: string): void {
  const folder = dirname(path);
  const refuse = (why: string) => new CastoffError('CONFIG_INVALID', `listen at ${path}: ${why}`);
  if (Buffer.byteLength(privatePath) > longestPath)
    throw refuse(
      `the path is longer than ${longestPath - (privatePath.length - path.length)} bytes; give a shorter one`,
    );
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stats = lstatSync(folder);
  const uid = process.getuid?.();
  if (!stats.isDirectory()) throw refuse(`${folder} is no folder`);
  if (stats.uid !== uid || (stats.mode & 0o077) !== 0)
    throw refuse(`${folder} is not this user's alone; give a path in a folder of mode 0700`);
}

function linkIfFree(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Tells the socket at `path` from every other that is or was there; `undefined`: there is none, or it is a pipe of Windows. */
export function socketIdentity(path: string): string | undefined {
  const stats = process.platform === 'win32' ? undefined : look(path);
  return stats === undefined ? undefined : identityOfStats(stats);
}

// The number of one that is gone is given out again.
function identityOfStats({ dev, ino, ctimeNs }: BigIntStats): string {
  return `${dev}-${ino}-${ctimeNs}`;
}

function look(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

function isSame(one: BigIntStats | undefined, other: BigIntStats): boolean {
  return one !== undefined && identityOfStats(one) === identityOfStats(other);
}

function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
