import { lstatSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { CastoffError } from '../core/errors';
import { listenLocally } from '../wire/local-socket';

/** The owner of a listener. */
interface ListenerOwner {
  readonly onConnection: (socket: Socket) => void;
  readonly onError: (what: string, error: unknown) => void;
}

/** A socket file that is replaced when it disappears. */
export interface RelayListener {
  /** Stops listening and removes the socket file. Connections stay open. */
  close(): Promise<void>;
}

/** How often the socket file is checked, in milliseconds: a removed one is replaced within 100 ms. */
const checkMs = 50;

/**
 * Listens at `path`, and again whenever the socket file there is missing or another one, or the server fails.
 *
 * Polls, because a watch on the folder ends with the folder.
 *
 * @throws CastoffError as `listenLocally`, or `CONFIG_INVALID` when another process listens there.
 */
export async function openListener(path: string, owner: ListenerOwner): Promise<RelayListener> {
  let listening: Listening | undefined = await listen(path, owner);
  let isClosed = false;
  let checking: Promise<void> | undefined;
  let hasFailed = false;

  const check = async (): Promise<void> => {
    if (listening?.isIntact() === true) return;
    listening?.stop();
    listening = undefined;
    try {
      const next = await listen(path, owner);
      hasFailed = false;
      if (isClosed) next.stop();
      else listening = next;
    } catch (error) {
      // Tried again at the next check, and reported once.
      if (!hasFailed) owner.onError(`listen again at ${path}`, error);
      hasFailed = true;
    }
  };
  const timer = setInterval(() => {
    checking ??= check().finally(() => (checking = undefined));
  }, checkMs);
  timer.unref();

  return {
    async close() {
      isClosed = true;
      clearInterval(timer);
      await checking;
      listening?.stop();
    },
  };
}

interface Listening {
  /** Whether the server listens, and its socket file is at its path. */
  isIntact(): boolean;
  stop(): void;
}

async function listen(path: string, { onConnection, onError }: ListenerOwner): Promise<Listening> {
  // Reading starts with the first read of the connection.
  const server = createServer({ allowHalfOpen: true }, onConnection);
  const bound = await listenLocally(path)(server);
  if (bound === undefined)
    throw new CastoffError(
      'CONFIG_INVALID',
      `listen at ${path}: another process listens there; give another path`,
    );
  server.on('error', (error) => onError(`accept a connection at ${path}`, error));
  const inode = inodeAt(path);
  return {
    isIntact: () => server.listening && inodeAt(path) === inode,
    stop: () => stopServer(server, bound.close),
  };
}

function stopServer(server: Server, removeFile?: () => void): void {
  removeFile?.();
  server.close();
}

function inodeAt(path: string): number | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.ino;
}
