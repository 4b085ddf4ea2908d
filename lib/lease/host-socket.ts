import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** What tells one host process from another. */
export interface HostFacts extends SocketPlace {
  /** The connection to the engine, as {@link identityOf} names it. */
  readonly connection: string;
  /** The engine's own id: in two containers, the same path may lead to different engines. */
  readonly engineId: string;
  readonly version: string;
}

/** Where local sockets are. */
export interface SocketPlace {
  readonly platform: NodeJS.Platform;
  /** The folder of this user alone. */
  readonly folder: string;
  /** Another, for where that one has too long a name. */
  readonly shortFolder: string;
}

/**
 * What fits into `sockaddr_un` everywhere: 104 bytes on macOS, 108 on Linux, with the zero behind it, and the process's own pid
 * behind the name while it begins to listen.
 */
const longestPathBytes = 103 - '.4194304'.length;

/**
 * Where the host process of this user, for this engine and this version of castoff, listens: a unix socket, on Windows a
 * named pipe. The same for everybody who asks, so that they meet.
 */
export function hostSocketPath(facts: HostFacts): string {
  const { folder, connection, engineId, version } = facts;
  const key = createHash('sha256')
    .update([folder, connection, engineId, version].join('\n'))
    .digest('hex')
    .slice(0, 12);
  return localSocketPath(facts, `reaper-${key}`);
}

/** A path under which processes of this user meet: `name` in the folder, or on Windows as a pipe. */
export function localSocketPath({ platform, folder, shortFolder }: SocketPlace, name: string): string {
  if (platform === 'win32') return `\\\\.\\pipe\\castoff-${name}`;
  const path = join(folder, `${name}.sock`);
  return Buffer.byteLength(path) <= longestPathBytes ? path : join(shortFolder, `${name}.sock`);
}
