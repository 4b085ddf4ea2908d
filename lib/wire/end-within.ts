import type { Writable } from 'node:stream';

export interface FinalWrite {
  readonly text?: string | undefined;
  /** How long the other side may take to read it, in milliseconds. */
  readonly timeoutMs: number;
  /** Called once, when it was read or not read in time. */
  readonly onEnd: () => void;
}

/** Ends `output` with `text`. A client that reads nothing must not keep a descriptor. */
export function endWithin(output: Writable, { text, timeoutMs, onEnd }: FinalWrite): void {
  let isOver = false;
  const finish = (): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    onEnd();
  };
  const timer = setTimeout(finish, timeoutMs);
  timer.unref();
  if (text === undefined) output.end(finish);
  else output.end(text, finish);
}
