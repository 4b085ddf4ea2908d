import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Where the user called the function that calls this, through however much of castoff: `file:line`, the file relative to the
 * working directory; `undefined` when the stack does not say. To be called while the user's call is on the stack, before the
 * first `await`.
 */
export function callerSourceLine(): string | undefined {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callerSourceLine);
  const [, , ...framesAbove] = (holder.stack ?? '').split('\n');
  return firstSourceLine(framesAbove.join('\n'), process.cwd(), ownFolder);
}

/** Where castoff's own code is: `dist`, or `lib` in its repository. */
export const ownFolder = /^.*[\\/](?:dist|lib)(?=[\\/]|$)/.exec(__dirname)?.[0] ?? __dirname;

/** The first frame of `stack` that names a file, and none below `without`, as `file:line` relative to `folder`. */
export function firstSourceLine(stack: string, folder: string, without?: string): string | undefined {
  for (const frame of stack.split('\n')) {
    // `    at Object.<anonymous> (/app/spec/a.spec.ts:12:5)`, `    at async file:///app/b.mjs:3:1`
    const place = /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:[\\/])[^()]*):(\d+):\d+\)?$/.exec(
      frame.trim(),
    );
    if (place?.[1] === undefined || place[2] === undefined) continue;
    const path = place[1].startsWith('file://') ? fileURLToPath(place[1]) : place[1];
    if (without !== undefined && path.startsWith(without + sep)) continue;
    return `${shortPath(path, folder)}:${place[2]}`;
  }
  return undefined;
}

function shortPath(path: string, folder: string): string {
  const short = relative(folder, path);
  return short.startsWith('..') ? path : short.split(sep).join('/');
}

const near = 'near ';

/** The source of what was created somewhere in the test or hook at `line`: `near a.test.ts:12`. */
export function approximateSource(line: string): string {
  return `${near}${line}`;
}

/** The `file:line` of a source, and whether it is that of the test or hook around it. */
export function readSource(source: string): { readonly line: string; readonly isApproximate: boolean } {
  const isApproximate = source.startsWith(near);
  return { line: isApproximate ? source.slice(near.length) : source, isApproximate };
}
