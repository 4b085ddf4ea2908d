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
import { errnoOf, tolerate } from '../core/errno';
import { CastoffError } from '../core/errors';
import { randomHex } from '../core/random-hex';

/**
 * Makes a server listen. Resolves to its address and a cleanup to call before it stops, or to `undefined`
 * when another process serves there.
 */
export type Listen = (
  server: Server,
) => Promise<{ readonly where: string; readonly close?: () => void } | undefined>;

/** The longest socket path that every platform can bind. @see macOS, sun_path[104] */
const maxPathBytes = 103;
/** A takeover is four file operations; after this time, its process must have been killed. */
const takeoverMs = 2_000;
const pollMs = 20;

/**
 * Listens at `path`, accessible to this user only, unless another process listens there.
 *
 * The socket is bound under a private name and then moved to `path` atomically: of several processes that
 * start at once, one gets the path, and every socket at the path accepts connections. The socket of a killed
 * process is replaced. On Windows, `path` is a named pipe, where the system does all of this.
 *
 * @param options.replacing - Identity of a socket to replace even if a process listens there, from {@link
 *   socketIdentity}. That process keeps its existing connections.
 * @throws CastoffError `CONFIG_INVALID` when other users can access the folder, or the path is too long.
 */
export function listenLocally(
  path: string,
  { replacing }: { readonly replacing?: string | undefined } = {},
): Listen {
  if (process.platform === 'win32') return (server) => listenAtPipe(server, path);
  return async (server) => {
    const privatePath = `${path}.${randomHex(3)}`;
    checkPath(path, privatePath);
    server.listen(privatePath);
    await once(server, 'listening');
    chmodSync(privatePath, 0o600);
    if (!(await takePath(privatePath, path, replacing))) {
      server.close();
      removeFile(privatePath);
      return undefined;
    }
    const own = lstatSync(path, { bigint: true });
    const close = () => {
      // Before the server stops listening: until then no other process replaces the socket.
      if (isSame(statSocket(path), own)) removeFile(path);
    };
    return { where: path, close };
  };
}

/**
 * Moves the socket from `privatePath` to `path`. Resolves to false when a running process listens at `path`.
 */
async function takePath(privatePath: string, path: string, replacing: string | undefined): Promise<boolean> {
  for (;;) {
    if (linkIfFree(privatePath, path)) {
      removeFile(privatePath);
      return true;
    }
    const stale = statSocket(path);
    if (stale === undefined) continue;
    if (identityOfStats(stale) !== replacing && (await isServed(path))) return false;
    if (replaceStale(privatePath, path, stale)) return true;
    // Another process is replacing it. Next time, the path is served, or still stale if that process was
    // killed.
    await delay(pollMs);
  }
}

/**
 * Replaces the socket `stale`. Only the process that creates the marker may do so; an abandoned marker
 * expires.
 */
function replaceStale(privatePath: string, path: string, stale: BigIntStats): boolean {
  const marker = `${path}.takeover-${stale.ino}-${stale.ctimeNs}`;
  if (!createMarker(marker)) return false;
  try {
    if (!isSame(statSocket(path), stale)) return false;
    renameSync(privatePath, path);
    return true;
  } finally {
    removeFile(marker);
  }
}

function createMarker(marker: string): boolean {
  const file = tolerate(['EEXIST'], () => openSync(marker, 'wx', 0o600), undefined);
  if (file === undefined) {
    const existing = statSocket(marker);
    if (existing !== undefined && Date.now() - Number(existing.mtimeMs) > takeoverMs) removeFile(marker);
    return false;
  }
  closeSync(file);
  return true;
}

async function listenAtPipe(server: Server, path: string): Promise<{ where: string } | undefined> {
  try {
    server.listen(path);
    await once(server, 'listening');
    return { where: path };
  } catch (error) {
    if (['EADDRINUSE', 'EACCES'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** Resolves to whether a process accepts connections at `path`. */
export async function isServed(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    // Not EAGAIN: the queue of connections is full; nor EACCES: another user's socket.
    return !['ECONNREFUSED', 'ENOENT', 'ENOTSOCK'].includes(errnoOf(error) ?? '');
  } finally {
    socket.destroy();
  }
}

function checkPath(path: string, privatePath: string): void {
  const folder = dirname(path);
  const refuse = (reason: string) => new CastoffError('CONFIG_INVALID', `listen at ${path}: ${reason}`);
  if (Buffer.byteLength(privatePath) > maxPathBytes)
    throw refuse(
      `the path is longer than ${maxPathBytes - (privatePath.length - path.length)} bytes; give a shorter one`,
    );
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stats = lstatSync(folder);
  const uid = process.getuid?.();
  if (!stats.isDirectory()) throw refuse(`${folder} is not a folder`);
  if (stats.uid !== uid || (stats.mode & 0o077) !== 0)
    throw refuse(`${folder} is accessible to other users; give a path in a folder of mode 0700`);
}

function linkIfFree(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Identifies the socket at `path`. Returns `undefined` when there is none, and for named pipes on Windows.
 */
export function socketIdentity(path: string): string | undefined {
  const stats = process.platform === 'win32' ? undefined : statSocket(path);
  return stats === undefined ? undefined : identityOfStats(stats);
}

// The time is needed because inode numbers are reused.
function identityOfStats({ dev, ino, ctimeNs }: BigIntStats): string {
  return `${dev}-${ino}-${ctimeNs}`;
}

function statSocket(path: string): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

function isSame(one: BigIntStats | undefined, other: BigIntStats): boolean {
  return one !== undefined && identityOfStats(one) === identityOfStats(other);
}

function removeFile(path: string): void {
  tolerate(['ENOENT'], () => unlinkSync(path), undefined);
}
