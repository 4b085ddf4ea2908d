import { AsyncLocalStorage } from 'node:async_hooks';
import type * as Fs from 'node:fs';
import type * as Querystring from 'node:querystring';
import { coreModule } from '../core/pristine';
import { stackHere } from './user-line';
import { warnCapture } from './warn';
import { watchFunction } from './watch-function';

/** The lines from which docker-modem has been called for requests that are about to be made. */
export interface CallSites {
  /** The line of the request whose path has that query, once; `undefined`: docker-modem has not been seen to make it. */
  take(query: string): string | undefined;
  stop(): void;
}

interface Note {
  readonly query: string;
  readonly line: string;
  readonly at: number;
}

/** From a dial to its request it takes a look for the socket, at most. */
const maxAgeMs = 30_000;
const maxNotes = 500;

/**
 * Finds the user's lines of what docker-modem asks for. A request itself is made in a callback, far from the user's frames. One step
 * earlier they are all there: `Modem.dial` writes the options of whatever it creates into a query, even where the engine reads them from
 * the body, by the core module `querystring`, which all sandboxes of Jest share. Only a build from a folder is one callback later: that
 * of the look for its `.dockerignore`.
 *
 * @param findUserLine - Finds it on the stack.
 * @see docker-modem, `Modem.prototype.buildQuerystring`; dockerode, `util.prepareBuildContext`
 */
export function watchCallSites(findUserLine: () => string | undefined): CallSites {
  const userLine = (): string | undefined => attempt(findUserLine);
  const notes: Note[] = [];
  const buildLine = new AsyncLocalStorage<string>();
  const querystring = coreModule('querystring') as typeof Querystring;
  const fs = coreModule('fs') as typeof Fs;
  const stops = [
    watchFunction(querystring, 'stringify', (stringify) => {
      const query = String(stringify());
      const line =
        query !== '' && isCalledBy(/buildQuerystring/) ? (userLine() ?? buildLine.getStore()) : undefined;
      if (line !== undefined) notes.push({ query, line, at: performance.now() });
      if (notes.length > maxNotes) notes.shift();
      return query;
    }),
    watchFunction(fs, 'readFile', (readFile, [path]) => {
      const isMeant =
        typeof path === 'string' && path.endsWith('.dockerignore') && isCalledBy(/prepareBuildContext/);
      const line = isMeant ? userLine() : undefined;
      return line === undefined ? readFile() : buildLine.run(line, readFile);
    }),
  ];
  return {
    take(query) {
      const oldest = performance.now() - maxAgeMs;
      const found = notes.findIndex((one) => one.query === query && one.at > oldest);
      return found === -1 ? undefined : notes.splice(found, 1)[0]?.line;
    },
    stop() {
      for (const stop of stops) stop();
    },
  };
}

function isCalledBy(name: RegExp): boolean {
  return name.test(attempt(() => stackHere(8)) ?? '');
}

/** Without a working directory, or where somebody else prepares stacks and fails, there is no line; the user's call goes on. */
function attempt(find: () => string | undefined): string | undefined {
  try {
    return find();
  } catch (error) {
    warnCapture('find the line of a call', error, 'it has no line in the report');
    return undefined;
  }
}
