import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { makeOwnFolder, makeShortFolder } from '../registry/own-folder';

/** The facts that identify a host process. */
export interface HostFacts extends SocketFolders {
  /** The key of the connection to the engine, from `connectionKey`. */
  readonly connection: string;
  /** The engine's own id: the same path may lead to different engines in two containers. */
  readonly engineId: string;
  readonly version: string;
}

interface SocketFolders {
  readonly platform: NodeJS.Platform;
  /** A folder that only this user can access. */
  readonly folder: string;
  /** Used when the path in `folder` is too long. */
  readonly shortFolder: string;
}

/**
 * Fits into `sockaddr_un` everywhere: 104 bytes on macOS and 108 on Linux, with the terminating zero, and the
 * pid that a process appends to the name until it listens.
 */
const maxPathBytes = 103 - '.4194304'.length;

/**
 * Returns the path at which the host process of this user, engine and version of castoff listens: a Unix
 * socket, or a named pipe on Windows. Equal facts give the same path in every process.
 */
export function hostSocketPath(facts: HostFacts): string {
  const { folder, connection, engineId, version } = facts;
  const key = createHash('sha256')
    .update([folder, connection, engineId, version].join('\n'))
    .digest('hex')
    .slice(0, 12);
  return localSocketPath(`reaper-${key}`, facts);
}

/** Returns the folders for the sockets of this user's processes on this machine. */
export function socketFolders(): SocketFolders {
  return { platform: process.platform, folder: makeOwnFolder(), shortFolder: makeShortFolder() };
}

/** Returns the path of a local socket for processes of this user; a named pipe on Windows. */
export function localSocketPath(name: string, folders = socketFolders()): string {
  const { platform, folder, shortFolder } = folders;
  if (platform === 'win32') return `\\\\.\\pipe\\castoff-${name}`;
  const path = join(folder, `${name}.sock`);
  return Buffer.byteLength(path) <= maxPathBytes ? path : join(shortFolder, `${name}.sock`);
}
