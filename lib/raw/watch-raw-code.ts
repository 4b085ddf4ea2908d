import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { isCastoffAgent, isOwnAgent } from '../engine/agent-mark';
import { currentStart, markRequestsLabelled } from '../scope/start-context';
import type { Maker } from './creations';
import { watchDials } from './dial-lines';
import type { RawWatch, RawWatchOptions } from './raw-watch';
import type * as rawWork from './raw-work';
import { meaningOfRequest } from './request-meaning';
import { userLineHere } from './user-line';
import { warnRaw } from './warn';
import { watchSpawns } from './watch-spawns';

/**
 * Watches what the code of this process, sandboxes of Jest included, asks an engine for by `node:http`, as dockerode and
 * testcontainers do, and by `docker`, `podman` and `docker-compose` commands that it spawns. What it creates waits for `ready()`, is
 * noted in the registry with the user's line, and carries labels that say whose it is. Left alone is what goes to another server or
 * another engine, what castoff has labelled itself, reapers, and what is to outlive the run: `withReuse()`, `deleteOnExit: false`.
 *
 * Not seen: commands of a shell (`sh -c 'docker run …'`) or of `spawnSync`, and requests by `fetch`. Compose projects are seen where
 * their name is given, by flag or environment.
 *
 * Costs two subscriptions and one function until there is something to see; nothing that it fails at reaches the user's code, but for
 * the error of `ready()`.
 */
export function watchRawCode(options: RawWatchOptions): RawWatch {
  const lineHere = (): string | undefined => userLineHere(options.testFile?.());
  const dials = watchDials(lineHere);
  let work: rawWork.RawWork | undefined;
  // Loaded where it is used, at once: the request goes on when this returns.
  const load = (): rawWork.RawWork =>
    (work ??= (require('./raw-work') as typeof rawWork).createRawWork(options));

  const seeRequest = (message: unknown): void => {
    const { request } = message as { readonly request: ClientRequest & { readonly agent?: unknown } };
    try {
      const { method, path } = request;
      const meaning = meaningOfRequest(method, path);
      if (meaning?.type === 'remove' && !isOwnAgent(request.agent)) work?.removals.see(request, meaning);
      // With `expect`, or headers given as a list, the head is written already.
      if (meaning?.type !== 'create' || isCastoffAgent(request.agent) || request.headersSent) return;
      const maker = makerHere(options, () => dials.take(queryTextOf(path)) ?? lineHere());
      if (maker !== undefined) load().creations.see({ request, meaning, maker });
    } catch (error) {
      warnRaw('look at a request', error);
    }
  };
  const seeResponse = (message: unknown): void => {
    const { request, response } = message as {
      readonly request: ClientRequest;
      readonly response: IncomingMessage;
    };
    work?.answers.hear(request, response);
  };
  const unwatchSpawns = watchSpawns((child: ChildProcess, line) => {
    const maker = makerHere(options, lineHere);
    return maker === undefined ? line.args : load().commands.see(child, line, maker);
  });
  subscribe('http.client.request.created', seeRequest);
  // In spite of its name: when the head of the answer has come.
  subscribe('http.client.response.finish', seeResponse);
  const unmark = markRequestsLabelled();
  return {
    isPinned: (containerId) => work?.isPinned(containerId) ?? false,
    isHelper: (key) => work?.isHelper(key) ?? false,
    survivors: async (isMeant) => (work === undefined ? [] : work.survivors(isMeant)),
    stop() {
      unsubscribe('http.client.request.created', seeRequest);
      unsubscribe('http.client.response.finish', seeResponse);
      unwatchSpawns();
      dials.stop();
      unmark();
    },
  };
}

function makerHere(options: RawWatchOptions, sourceHere: () => string | undefined): Maker | undefined {
  const start = currentStart();
  if (start !== undefined) return { start };
  const whereabouts = options.whereabouts();
  return whereabouts === undefined ? undefined : { whereabouts, source: sourceHere() };
}

function queryTextOf(path: string): string {
  return path.split('?').slice(1).join('?');
}
