import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Returns the user's line that called castoff, as `file:line` relative to the working directory; `undefined`
 * when the stack has none. Call it before the first `await`, while the user's call is on the stack.
 */
export function callerSourceLine(): string | undefined {
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, callerSourceLine);
  const [, , ...framesAbove] = (holder.stack ?? '').split('\n');
  return firstSourceLine(framesAbove.join('\n'), process.cwd(), ownFolder);
}

/** The folder of castoff's own code: `dist`, or `lib` in its repository. */
export const ownFolder = /^.*[\\/](?:dist|lib)(?=[\\/]|$)/.exec(__dirname)?.[0] ?? __dirname;

/**
 * Returns the first frame of `stack` in a file outside the folder `without`, as `file:line` relative to
 * `folder`.
 */
export function firstSourceLine(stack: string, folder: string, without?: string): string | undefined {
  for (const frame of stack.split('\n')) {
    // `    at Object.<anonymous> (/app/spec/a.spec.ts:12:5)`, `    at async file:///app/b.mjs:3:1`
    const match = /(?:\(|at (?:async )?)((?:file:\/\/|\/|[A-Za-z]:[\\/])[^()]*):(\d+):\d+\)?$/.exec(
      frame.trim(),
    );
    if (match?.[1] === undefined || match[2] === undefined) continue;
    const path = match[1].startsWith('file://') ? fileURLToPath(match[1]) : match[1];
    if (without !== undefined && path.startsWith(without + sep)) continue;
    return `${relativePath(path, folder)}:${match[2]}`;
  }
  return undefined;
}

function relativePath(path: string, folder: string): string {
  const relativeToFolder = relative(folder, path);
  return relativeToFolder.startsWith('..') ? path : relativeToFolder.split(sep).join('/');
}

const near = 'near ';

/** Returns the source of a resource created somewhere in the test or hook at `line`: `near a.test.ts:12`. */
export function approximateSource(line: string): string {
  return `${near}${line}`;
}

/** Splits a source into its `file:line`, and whether that is the line of the enclosing test or hook. */
export function readSource(source: string): { readonly line: string; readonly isApproximate: boolean } {
  const isApproximate = source.startsWith(near);
  return { line: isApproximate ? source.slice(near.length) : source, isApproximate };
}
