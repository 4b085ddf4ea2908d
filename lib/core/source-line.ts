import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Where the user called the function that calls this: `file:line`, the file relative to the working directory; `undefined`
 * when the stack does not say. To be called while the user's call is on the stack, before the first `await`.
 */
export function callerSourceLine(): string | undefined {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callerSourceLine);
  const [, , ...framesAbove] = (holder.stack ?? '').split('\n');
  return firstSourceLine(framesAbove.join('\n'), process.cwd());
}

/** The first frame of `stack` that names a file of the user's, as `file:line` relative to `folder`. */
export function firstSourceLine(stack: string, folder: string): string | undefined {
  for (const frame of stack.split('\n')) {
    // `    at Object.<anonymous> (/app/spec/a.spec.ts:12:5)`, `    at async file:///app/b.mjs:3:1`
    const place = /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:[\\/])[^()]*):(\d+):\d+\)?$/.exec(
      frame.trim(),
    );
    if (place?.[1] === undefined || place[2] === undefined) continue;
    return `${shortPath(place[1], folder)}:${place[2]}`;
  }
  return undefined;
}

function shortPath(place: string, folder: string): string {
  const path = place.startsWith('file://') ? fileURLToPath(place) : place;
  const short = relative(folder, path);
  return short.startsWith('..') ? path : short.split(sep).join('/');
}
