import { createServer, type Server, type Socket } from 'node:net';
import type { Bounds } from '../core/bounds';
import { CastoffError, messageOf } from '../core/errors';
import { warn } from '../core/warnings';
import { listenLocally } from '../wire/local-socket';
import type { RegistryEntry } from '../registry/entry';
import { serializeError } from '../wire/serialize-error';
import { openJsonLines, type JsonLines } from '../wire/json-lines';
import type { SharedTurn } from '../session/run-client';
import {
  maxRunLineBytes,
  parseRunLine,
  type JoinAnswer,
  type RunCall,
  type RunReply,
  type SharedMade,
} from './run-message';

/** The functions of a run that its workers call. */
export interface RunHandlers {
  readonly joinAnswer: JoinAnswer;
  ready(): Promise<void>;
  claim(worker: string, labels: readonly string[], bounds?: Bounds): Promise<void>;
  release(worker: string, labels: readonly string[], bounds?: Bounds): Promise<void>;
  awaitShared(worker: string, asked: Extract<RunCall, { type: 'await-shared' }>): Promise<SharedTurn>;
  settleShared(worker: string, name: string, made: SharedMade): void;
  report(worker: string, entry: RegistryEntry): void;
  reportUnlabelled(creation: string): void;
  noteDeath(key: string, died: string): void;
  removeLeaks(keys: readonly string[]): Promise<void>;
  /**
   * Handles the end of a worker's connection. `isLeaving`: it left the run before; `isWaiting`: it had
   * unanswered requests.
   */
  ended(worker: string, how: { readonly isLeaving: boolean; readonly isWaiting: boolean }): void;
}

/** The server that the workers of a run connect to. */
export interface RunServer {
  /** Notifies all workers that no resource may be created any more. */
  announceEnd(): void;
  /** Stops listening, and closes all connections. */
  close(): void;
}

/**
 * Listens at `address` for the run's workers. The server is unreferenced.
 *
 * @throws CastoffError `CONFIG_INVALID` when another run listens there, or when other users can access the
 * folder.
 */
export async function openRunServer(address: string, handlers: RunHandlers): Promise<RunServer> {
  const connections = new Map<JsonLines, Socket>();
  const server: Server = createServer((socket) => {
    socket.unref();
    const serving = serve(socket, handlers, () => connections.delete(serving));
    connections.set(serving, socket);
  });
  const opened = await listenLocally(address)(server);
  if (opened === undefined)
    throw new CastoffError('CONFIG_INVALID', `listen for workers at ${address}: another run listens there`);
  // An accept that fails (EMFILE) does not end the server: the next one may succeed.
  server.on('error', (error) =>
    warn('CASTOFF_RUN_SERVER', `accept a worker at ${address}: ${messageOf(error)}`),
  );
  server.unref();
  return {
    announceEnd() {
      for (const connection of connections.keys()) connection.send({ type: 'ending' } satisfies RunReply);
    },
    close() {
      if ('close' in opened) opened.close?.();
      server.close();
      for (const socket of connections.values()) socket.destroy();
    },
  };
}

function serve(socket: Socket, handlers: RunHandlers, onEnd: () => void): JsonLines {
  let worker: string | undefined;
  let isLeaving = false;
  let waiting = 0;
  const respond = async (id: number, call: RunCall, caller: string | undefined): Promise<void> => {
    waiting += 1;
    const reply = await answer(handlers, caller, call);
    waiting -= 1;
    lines.send({ id, ...reply });
  };
  const lines = openJsonLines(socket, maxRunLineBytes, {
    onLine(text) {
      const parsed = parseRunLine(text);
      if ('request' in parsed) {
        const { id, ...call } = parsed.request;
        if (call.type === 'join') worker ??= call.worker;
        void respond(id, call, worker);
      } else if ('note' in parsed) {
        if (parsed.note.type === 'leave') isLeaving = true;
        else if (parsed.note.type === 'unlabelled') handlers.reportUnlabelled(parsed.note.creation);
        else if (worker !== undefined) handlers.report(worker, parsed.note.entry);
      } else if (parsed.id !== undefined) {
        const error = serializeError(
          new CastoffError('CONFIG_INVALID', `send a request to the run: ${parsed.refusal}`),
        );
        lines.send({ id: parsed.id, ok: false, error } satisfies RunReply);
      }
    },
    onEnd() {
      onEnd();
      if (worker !== undefined) handlers.ended(worker, { isLeaving, isWaiting: waiting > 0 });
    },
  });
  return lines;
}

type ReplyBody =
  | { readonly ok: true; readonly value?: JoinAnswer | SharedTurn | undefined }
  | { readonly ok: false; readonly error: ReturnType<typeof serializeError> };

async function answer(handlers: RunHandlers, worker: string | undefined, call: RunCall): Promise<ReplyBody> {
  try {
    return { ok: true, value: await perform(handlers, worker, call) };
  } catch (error) {
    return { ok: false, error: serializeError(error) };
  }
}

async function perform(
  handlers: RunHandlers,
  worker: string | undefined,
  call: RunCall,
): Promise<JoinAnswer | SharedTurn | undefined> {
  if (worker === undefined)
    throw new CastoffError('CONFIG_INVALID', `send ${call.type} to the run: join it first`);
  switch (call.type) {
    case 'join':
      return handlers.joinAnswer;
    case 'ready':
      await handlers.ready();
      return undefined;
    case 'claim':
      await handlers.claim(worker, call.labels, call.bounds);
      return undefined;
    case 'release':
      await handlers.release(worker, call.labels, call.bounds);
      return undefined;
    case 'note-death':
      handlers.noteDeath(call.key, call.died);
      return undefined;
    case 'remove-leaks':
      await handlers.removeLeaks(call.keys);
      return undefined;
    case 'await-shared':
      return handlers.awaitShared(worker, call);
    case 'settle-shared':
      handlers.settleShared(worker, call.name, call.made);
      return undefined;
  }
}
