import type { Duplex } from 'node:stream';
import { logDebug } from '../core/print';
import { maxLineBytes } from '../reaper/protocol/message';
import { RequestConnection } from '../wire/request-connection';

/** A connection to a reaper. */
export interface ReaperConnection {
  readonly requests: RequestConnection;
  /** A description of the reaper: `container castoff-reaper-1f2e`. */
  readonly reaper: string;
}

/**
 * Opens a connection to the reaper at the other end of `stream`.
 *
 * @param reaper - A description of it.
 * @param onStrayLine - Called for each line that is not a reply: `NACK 500 clients are connected already`.
 */
export function openReaperConnection(
  stream: Duplex,
  reaper: string,
  onStrayLine: () => void = () => undefined,
): ReaperConnection {
  const onLine = (line: string): void => {
    logDebug(`${reaper} sent: ${line}`);
    onStrayLine();
  };
  return { requests: new RequestConnection(stream, { maxLineBytes, onLine }), reaper };
}
