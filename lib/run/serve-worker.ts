import type { Socket } from 'node:net';
import { CastoffError, messageOf } from '../core/errors';
import type { Reply } from '../wire/request-connection';
import { serializeError } from '../wire/serialize-error';
import { ServedClient } from '../wire/served-client';
import type { RunParts } from './run-parts';
import { maxRunLineBytes, parseRunRequest, performRequest } from './run-requests';

/**
 * Performs the requests of one worker. They may take long, so each reply is sent when it is ready.
 *
 * @param onClosed - Called when the connection has ended and all requests are handled, with the worker's id if
 * it had joined, and whether it had unanswered requests.
 */
export function serveWorker(
  socket: Socket,
  run: RunParts,
  onClosed: (worker: string | undefined, isWaiting: boolean) => void,
): ServedClient {
  let worker: string | undefined;
  let waiting = 0;
  const handle = async (line: string): Promise<void> => {
    const request = parseRunRequest(line);
    if ('type' in request && request.type === 'join') worker ??= request.asked.worker;
    if (request.id !== undefined) waiting += 1;
    const reply = await answer(run, worker, request);
    if (request.id === undefined) return;
    waiting -= 1;
    connection.send(JSON.stringify(reply));
  };
  const streams = { input: socket, output: socket };
  const connection = new ServedClient(streams, {
    maxLineBytes: maxRunLineBytes,
    onLine(line) {
      // A line that is too long, or not text, does not come from castoff: it needs no response.
      if ('text' in line) void handle(line.text);
      return undefined;
    },
    onClosed: () => onClosed(worker, waiting > 0),
  });
  return connection;
}

/** Never rejects. */
async function answer(
  run: RunParts,
  worker: string | undefined,
  request: ReturnType<typeof parseRunRequest>,
): Promise<Reply> {
  const { id = 0 } = request;
  try {
    if ('refusal' in request)
      throw new CastoffError('CONFIG_INVALID', `send a request to the run: ${request.refusal}`);
    if (worker === undefined)
      throw new CastoffError('CONFIG_INVALID', `send ${request.type} to the run: join it first`);
    return { id, ok: true, value: await performRequest(run, worker, request) };
  } catch (error) {
    return { id, ok: false, reason: messageOf(error), error: serializeError(error) };
  }
}
