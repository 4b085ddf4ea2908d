import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { messageOf } from '../core/errors';
import { isCastoffAgent, isOwnAgent } from '../engine/agent-mark';
import { approximateSource } from '../core/source-line';
import { currentStart, markRequestsLabelled } from '../scope/start-context';
import type { CreatedBy } from './create-tracker';
import { watchCallSites } from './call-sites';
import type { Capture, CaptureOptions } from './capture';
import type * as rawWork from './capture-work';
import { meaningOfRequest, type RequestMeaning } from './request-meaning';
import { userLineHere } from './user-line';
import { warnCapture } from './warn';
import { watchSpawns, type SeeCommand } from './watch-spawns';
import { watchSyncCommands } from './watch-sync-commands';

/**
 * Watches what the code of this process, sandboxes of Jest included, asks an engine for by `node:http`, as dockerode and
 * testcontainers do, and by `docker`, `podman` and `docker-compose` commands that it runs: with `spawn` or `exec`, their kin and their
 * synchronous forms, by a list of arguments or as the one simple command of a shell. What it creates is noted in the registry with the
 * user's line, and carries labels that say whose it is; a request waits for `ready()` before. Left alone is what goes to another server
 * or another engine, what castoff has labelled itself, reapers, and what is to outlive the run: `withReuse()`, `deleteOnExit: false`.
 *
 * A Compose project that is given no name is found when its command has ended, by its folder; nothing of it may have been there before.
 *
 * Not seen: a shell's text that is more than one command and plain words (`docker pull x && docker run x`, `docker run -v $PWD:/x y`),
 * a script's commands, and requests by `fetch`.
 *
 * Costs two subscriptions and a few functions until there is something to see; nothing that it fails at reaches the user's code, but for
 * the error of `ready()`.
 */
export function startCapture(options: CaptureOptions): Capture {
  const lineHere = (): string | undefined => userLineHere(options.testFile?.());
  const callSites = watchCallSites(lineHere);
  let work: rawWork.CaptureWork | undefined;
  // Loaded where it is used, at once: the request goes on when this returns.
  const load = (): rawWork.CaptureWork =>
    (work ??= (require('./capture-work') as typeof rawWork).createCaptureWork(options));

  const seeRequest = (message: unknown): void => {
    const { request } = message as { readonly request: ClientRequest & { readonly agent?: unknown } };
    let isCreation = false;
    try {
      const { method, path } = request;
      const meaning = meaningOfRequest(method, path);
      if (meaning === undefined) return;
      isCreation = meaning.type === 'create';
      if (meaning.type !== 'create') {
        const source = callSites.take(queryTextOf(path)) ?? lineHere();
        if (work === undefined || isOwnAgent(request.agent)) return;
        if (meaning.type === 'remove') work.removals.see(request, meaning);
        if (!isCastoffAgent(request.agent) && isAboutContainer(meaning))
          work.endingCalls.see(request, meaning, source);
        return;
      }
      if (isCastoffAgent(request.agent)) return;
      const createdBy = currentCreator(options, () => callSites.take(queryTextOf(path)) ?? lineHere());
      if (createdBy !== undefined) load().creations.see({ request, meaning, createdBy });
    } catch (error) {
      const what = `${request.method} ${pathOf(request)}`;
      if (isCreation) options.reportUnlabelled(`${what}: ${messageOf(error)}`);
      else warnCapture(`look at ${what}`, error, 'the engine is asked later how that ended');
    }
  };
  const seeResponse = (message: unknown): void => {
    const { request, response } = message as {
      readonly request: ClientRequest;
      readonly response: IncomingMessage;
    };
    work?.responses.onResponse(request, response);
  };
  const seeCommand: SeeCommand = (line, ended) => {
    try {
      const createdBy = currentCreator(options, lineHere);
      return createdBy === undefined ? undefined : load().commands.see(line, ended, createdBy);
    } catch (error) {
      options.reportUnlabelled(`${line.args.slice(0, 2).join(' ')}: ${messageOf(error)}`);
      return undefined;
    }
  };
  const unwatchSpawns = watchSpawns(seeCommand);
  const unwatchSyncCommands = watchSyncCommands(seeCommand);
  subscribe('http.client.request.created', seeRequest);
  // In spite of its name: when the head of the answer has come.
  subscribe('http.client.response.finish', seeResponse);
  const unmark = markRequestsLabelled();
  return {
    hasFixedNameOrPort: (containerId) => work?.hasFixedNameOrPort(containerId) ?? false,
    isHelper: (key) => work?.isHelper(key) ?? false,
    postMortems: async (project) => work?.postMortems(project) ?? [],
    findSurvivors: async (filter) => (work === undefined ? [] : work.findSurvivors(filter)),
    whenQuiet: async (id) => work?.endingCalls.settle(id === undefined ? undefined : { id }),
    stop() {
      work?.stop();
      unsubscribe('http.client.request.created', seeRequest);
      unsubscribe('http.client.response.finish', seeResponse);
      unwatchSpawns();
      unwatchSyncCommands();
      callSites.stop();
      unmark();
    },
  };
}

function currentCreator(
  options: CaptureOptions,
  sourceHere: () => string | undefined,
): CreatedBy | undefined {
  const start = currentStart();
  if (start !== undefined) return { start };
  const attribution = options.attribution();
  return attribution === undefined ? undefined : { attribution, source: sourceHere() ?? nearLine(options) };
}

function isAboutContainer(meaning: RequestMeaning): boolean {
  return !('kind' in meaning) || meaning.kind === 'container';
}

function nearLine(options: CaptureOptions): string | undefined {
  const line = options.testDefinition?.();
  return line === undefined ? undefined : approximateSource(line);
}

function pathOf({ path }: ClientRequest): string {
  return path.split('?')[0] ?? '';
}

function queryTextOf(path: string): string {
  return path.split('?').slice(1).join('?');
}
