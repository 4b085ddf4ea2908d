import type { Writable } from 'node:stream';

/** The end of an output, and how long to wait for it. */
interface FinalWrite {
  /** The last text to write. */
  readonly text?: string | undefined;
  /** How long the peer may take to read it, in milliseconds. */
  readonly timeoutMs: number;
  /** Called once, when the output has finished or the timeout has expired. */
  readonly onEnd: () => void;
}

/** Writes `text`, if any, and ends `output`; a peer that does not read cannot keep a file descriptor open. */
export function endWithin(output: Writable, { text, timeoutMs, onEnd }: FinalWrite): void {
  let hasEnded = false;
  const finish = (): void => {
    if (hasEnded) return;
    hasEnded = true;
    clearTimeout(timer);
    onEnd();
  };
  const timer = setTimeout(finish, timeoutMs);
  timer.unref();
  if (text === undefined) output.end(finish);
  else output.end(text, finish);
}
