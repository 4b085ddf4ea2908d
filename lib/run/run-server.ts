import { createServer, type Server, type Socket } from 'node:net';
import type { Bounds } from '../core/bounds';
import { CastoffError } from '../core/errors';
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

/** What a run does for its workers. */
export interface RunHandlers {
  readonly joinAnswer: JoinAnswer;
  ready(): Promise<void>;
  claim(worker: string, labels: readonly string[], bounds?: Bounds): Promise<void>;
  release(worker: string, labels: readonly string[], bounds?: Bounds): Promise<void>;
  awaitShared(worker: string, asked: Extract<RunCall, { type: 'await-shared' }>): Promise<SharedTurn>;
  settleShared(worker: string, name: string, made: SharedMade): void;
  tell(worker: string, entry: RegistryEntry): void;
  noteUnwatched(creation: string): void;
  noteDeath(key: string, died: string): void;
  removeLeaks(keys: readonly string[]): Promise<void>;
  /** Its line has ended: `isLeaving` when it said so before; `isWaiting` when it waited for an answer. */
  ended(worker: string, how: { readonly isLeaving: boolean; readonly isWaiting: boolean }): void;
}

/** Where a run's workers come in. */
export interface RunServer {
  /** Tells all of them that nothing new is to be created. */
  tellEnding(): void;
  /** Lets nobody new in, and lets those go that are there. */
  close(): void;
}

/**
 * Listens at `address` for the run's workers. It keeps no process alive.
 *
 * @throws CastoffError `CONFIG_INVALID` when the folder is not this user's alone.
 */
export async function openRunServer(address: string, desk: RunHandlers): Promise<RunServer> {
  const lines = new Map<JsonLines, Socket>();
  const server: Server = createServer((socket) => {
    socket.unref();
    const serving = serve(socket, desk, () => lines.delete(serving));
    lines.set(serving, socket);
  });
  const opened = await listenLocally(address)(server);
  if (opened === undefined)
    throw new CastoffError('CONFIG_INVALID', `listen for workers at ${address}: another run does already`);
  // An accept that failed (EMFILE) is no end: the next may succeed.
  server.on('error', (error) => process.emitWarning(error));
  server.unref();
  return {
    tellEnding() {
      for (const line of lines.keys()) line.send({ type: 'ending' } satisfies RunReply);
    },
    close() {
      if ('close' in opened) opened.close?.();
      server.close();
      for (const socket of lines.values()) socket.destroy();
    },
  };
}

function serve(socket: Socket, desk: RunHandlers, onEnd: () => void): JsonLines {
  let worker: string | undefined;
  let isLeaving = false;
  let waiting = 0;
  const serveOne = async (id: number, ask: RunCall, asker: string | undefined): Promise<void> => {
    waiting += 1;
    const reply = await answer(desk, asker, ask);
    waiting -= 1;
    lines.send({ id, ...reply });
  };
  const lines = openJsonLines(socket, maxRunLineBytes, {
    onLine(text) {
      const parsed = parseRunLine(text);
      if ('request' in parsed) {
        const { id, ...ask } = parsed.request;
        if (ask.type === 'join') worker ??= ask.worker;
        void serveOne(id, ask, worker);
      } else if ('note' in parsed) {
        if (parsed.note.type === 'leave') isLeaving = true;
        else if (parsed.note.type === 'unwatched') desk.noteUnwatched(parsed.note.creation);
        else if (worker !== undefined) desk.tell(worker, parsed.note.entry);
      } else if (parsed.id !== undefined) {
        const error = serializeError(new CastoffError('CONFIG_INVALID', `ask a run: ${parsed.refusal}`));
        lines.send({ id: parsed.id, ok: false, error } satisfies RunReply);
      }
    },
    onEnd() {
      onEnd();
      if (worker !== undefined) desk.ended(worker, { isLeaving, isWaiting: waiting > 0 });
    },
  });
  return lines;
}

type ReplyBody =
  | { readonly ok: true; readonly value?: JoinAnswer | SharedTurn | undefined }
  | { readonly ok: false; readonly error: ReturnType<typeof serializeError> };

async function answer(desk: RunHandlers, worker: string | undefined, ask: RunCall): Promise<ReplyBody> {
  try {
    return { ok: true, value: await perform(desk, worker, ask) };
  } catch (error) {
    return { ok: false, error: serializeError(error) };
  }
}

async function perform(
  desk: RunHandlers,
  worker: string | undefined,
  ask: RunCall,
): Promise<JoinAnswer | SharedTurn | undefined> {
  if (worker === undefined)
    throw new CastoffError('CONFIG_INVALID', `ask a run for ${ask.type}: join it first`);
  switch (ask.type) {
    case 'join':
      return desk.joinAnswer;
    case 'ready':
      await desk.ready();
      return undefined;
    case 'claim':
      await desk.claim(worker, ask.labels, ask.bounds);
      return undefined;
    case 'release':
      await desk.release(worker, ask.labels, ask.bounds);
      return undefined;
    case 'note-death':
      desk.noteDeath(ask.key, ask.died);
      return undefined;
    case 'remove-leaks':
      await desk.removeLeaks(ask.keys);
      return undefined;
    case 'await-shared':
      return desk.awaitShared(worker, ask);
    case 'settle-shared':
      desk.settleShared(worker, ask.name, ask.made);
      return undefined;
  }
}
