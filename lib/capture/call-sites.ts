import { AsyncLocalStorage } from 'node:async_hooks';
import type * as Fs from 'node:fs';
import type * as Querystring from 'node:querystring';
import { coreModule } from '../core/pristine';
import { warnCapture } from '../core/warnings';
import { stackHere } from './user-line';
import { watchFunction } from './watch-function';

/** The lines that called docker-modem for requests it is about to make. */
export interface CallSites {
  /** Returns the line that caused the request with this query and forgets it; `undefined` if none is known. */
  take(query: string): string | undefined;
  stop(): void;
}

interface CallSite {
  readonly query: string;
  readonly line: string;
  readonly at: number;
}

/** Between a call and its request docker-modem at most resolves the socket. */
const maxAgeMs = 30_000;
const maxCallSites = 500;

/**
 * Records the user's lines that call docker-modem. docker-modem sends its request in a callback, whose stack
 * has none of the user's frames. One step earlier they are all there: `Modem.dial` serializes the options of
 * every create call into a query, even when the engine reads them from the body, with the core module
 * `querystring`, which all Jest sandboxes share. Only a build from a folder does so one callback later, after
 * reading its `.dockerignore`.
 *
 * @param findUserLine - Finds the user's line on the current stack.
 * @see docker-modem, `Modem.prototype.buildQuerystring`; dockerode, `util.prepareBuildContext`
 */
export function watchCallSites(findUserLine: () => string | undefined): CallSites {
  const userLine = (): string | undefined => attempt(findUserLine);
  const callSites: CallSite[] = [];
  const buildLine = new AsyncLocalStorage<string>();
  const querystring = coreModule('querystring') as typeof Querystring;
  const fs = coreModule('fs') as typeof Fs;
  const stops = [
    watchFunction(querystring, 'stringify', (stringify) => {
      const query = String(stringify());
      const line =
        query !== '' && isCalledBy(/buildQuerystring/) ? (userLine() ?? buildLine.getStore()) : undefined;
      if (line !== undefined) callSites.push({ query, line, at: performance.now() });
      if (callSites.length > maxCallSites) callSites.shift();
      return query;
    }),
    watchFunction(fs, 'readFile', (readFile, [path]) => {
      const isBuildContext =
        typeof path === 'string' && path.endsWith('.dockerignore') && isCalledBy(/prepareBuildContext/);
      const line = isBuildContext ? userLine() : undefined;
      return line === undefined ? readFile() : buildLine.run(line, readFile);
    }),
  ];
  return {
    take(query) {
      const oldest = performance.now() - maxAgeMs;
      const found = callSites.findIndex((one) => one.query === query && one.at > oldest);
      return found === -1 ? undefined : callSites.splice(found, 1)[0]?.line;
    },
    stop() {
      for (const stop of stops) stop();
    },
  };
}

function isCalledBy(name: RegExp): boolean {
  return name.test(attempt(() => stackHere(8)) ?? '');
}

/** The user's call must go on if the working directory is missing or a custom `prepareStackTrace` throws. */
function attempt(find: () => string | undefined): string | undefined {
  try {
    return find();
  } catch (error) {
    warnCapture('find the line of a call', error, 'the report shows no line for it');
    return undefined;
  }
}
