import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { messageOf } from '../core/errors';
import { isCastoffAgent, isOwnAgent } from '../engine/agent-mark';
import { approximateSource } from '../core/source-line';
import { warnCapture } from '../core/warnings';
import { currentStart, markRequestsLabelled } from '../scope/start-context';
import { currentTaskCreations } from '../scope/task-creations';
import type { CreatedBy } from './created-by';
import { watchCallSites } from './call-sites';
import type { Capture, CaptureOptions } from './capture';
import type * as captureWork from './capture-work';
import type * as fetchEvents from './fetch-events';
import type { FetchRequest } from './fetch-request';
import { mayUseSocket } from './may-use-socket';
import { meaningOfRequest, type RequestMeaning } from './request-meaning';
import { userLineHere } from './user-line';
import { watchSpawns, type OnCommand } from './watch-spawns';
import { watchSyncCommands } from './watch-sync-commands';

/**
 * Captures resources that code creates without castoff: registers each with the user's line and labels it
 * with its owner.
 *
 * Covers all code in this process, including Jest sandboxes: requests through `node:http`, as dockerode and
 * testcontainers make them, through `fetch` and undici, and `docker`, `podman` and `docker-compose` commands, run with `spawn`, `exec`
 * and their variants, sync or async, as a list of arguments or as a single simple shell command. A Compose
 * project without a name is found by its folder when the command exits, unless parts of it existed before.
 *
 * Leaves alone: other servers and engines, resources labelled by castoff, reapers, and resources meant to
 * outlive the run (`withReuse()`, `deleteOnExit: false`). Misses: shell text beyond one command with literal
 * words (`docker pull x && docker run x`, `docker run -v $PWD:/x y`) and commands in scripts.
 *
 * Costs two subscriptions and a few wrapped functions until the first request or command. Create requests
 * wait for `ready()`, whose error is the only failure that reaches user code.
 */
export function startCapture(options: CaptureOptions): Capture {
  const lineHere = (): string | undefined => userLineHere(options.testFile?.());
  const callSites = watchCallSites(lineHere);
  let work: captureWork.CaptureWork | undefined;
  // Loaded synchronously: the request continues when the subscriber returns.
  const load = (): captureWork.CaptureWork =>
    (work ??= (require('./capture-work') as typeof captureWork).createCaptureWork(options, loadEvents));
  let events: fetchEvents.FetchEvents | undefined;
  const loadEvents = (): fetchEvents.FetchEvents =>
    (events ??= new (require('./fetch-events') as typeof fetchEvents).FetchEvents());

  const onRequest = (message: unknown): void => {
    const { request } = message as { readonly request: ClientRequest & { readonly agent?: unknown } };
    let isCreation = false;
    try {
      const { method, path } = request;
      const meaning = meaningOfRequest(method, path);
      if (meaning === undefined) return;
      isCreation = meaning.type === 'create';
      if (meaning.type !== 'create') {
        // A call that is not awaited leaves no frame of its caller once it has itself awaited something.
        const source = callSites.take(queryTextOf(path)) ?? lineHere() ?? testSource(options);
        if (work === undefined || isOwnAgent(request.agent)) return;
        if (meaning.type === 'remove') work.removals.track(request, meaning);
        if (!isCastoffAgent(request.agent) && isAboutContainer(meaning))
          work.tracked.teardownCalls.trackRequest(request, meaning, source);
        return;
      }
      if (isCastoffAgent(request.agent)) return;
      const createdBy = currentCreator(options, () => callSites.take(queryTextOf(path)) ?? lineHere());
      if (createdBy !== undefined) load().creations.track({ request, meaning, createdBy });
    } catch (error) {
      const what = `${request.method} ${pathOf(request)}`;
      if (isCreation) options.reportUnlabelled(`${what}: ${messageOf(error)}`);
      else warnCapture(`track ${what}`, error, 'castoff checks the result later');
    }
  };
  const onFetch = (message: unknown): void => {
    const { request } = message as { readonly request: FetchRequest };
    const { method, path } = request;
    try {
      // Its connection, which later requests use again, is made after this.
      if (mayUseSocket(request)) loadEvents();
      const meaning = meaningOfRequest(method, path);
      if (meaning?.type === 'create') {
        const createdBy = currentCreator(options, lineHere);
        if (createdBy !== undefined) load().fetches().trackCreate({ request, meaning, createdBy });
      } else if (meaning !== undefined && work !== undefined && isAboutContainer(meaning))
        work.fetches().trackTeardown(request, meaning, lineHere() ?? testSource(options));
    } catch (error) {
      options.reportUnlabelled(`${method} ${path.split('?')[0]}: ${messageOf(error)}`);
    }
  };
  const onResponse = (message: unknown): void => {
    const { request, response } = message as {
      readonly request: ClientRequest;
      readonly response: IncomingMessage;
    };
    work?.responses.onResponse(request, response);
  };
  const onCommand: OnCommand = (line, waitForExit) => {
    try {
      const createdBy = currentCreator(options, lineHere);
      return createdBy === undefined ? undefined : load().commands.track(line, waitForExit, createdBy);
    } catch (error) {
      options.reportUnlabelled(`${line.args.slice(0, 2).join(' ')}: ${messageOf(error)}`);
      return undefined;
    }
  };
  const unwatchSpawns = watchSpawns(onCommand);
  const unwatchSyncCommands = watchSyncCommands(onCommand);
  subscribe('http.client.request.created', onRequest);
  subscribe('undici:request:create', onFetch);
  // Despite its name, Node publishes this when the headers of the response have arrived.
  subscribe('http.client.response.finish', onResponse);
  const unmark = markRequestsLabelled();
  return {
    hasFixedNameOrPort: (containerId) => work?.tracked.hasFixedNameOrPort(containerId) ?? false,
    isHelper: (key) => work?.tracked.helperKeys.has(key) ?? false,
    postMortems: async (project) => work?.commands.postMortems(project) ?? [],
    findSurvivors: async (filter) => (work === undefined ? [] : work.findSurvivors(filter)),
    whenQuiet: async (id) => work?.tracked.teardownCalls.settle(id === undefined ? undefined : { id }),
    stop() {
      work?.commands.stop();
      unsubscribe('http.client.request.created', onRequest);
      unsubscribe('undici:request:create', onFetch);
      unsubscribe('http.client.response.finish', onResponse);
      events?.stop();
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
  if (attribution === undefined) return undefined;
  return { attribution, source: sourceHere() ?? testSource(options), task: currentTaskCreations() };
}

function isAboutContainer(meaning: RequestMeaning): boolean {
  return !('kind' in meaning) || meaning.kind === 'container';
}

function testSource(options: CaptureOptions): string | undefined {
  const line = options.testDefinition?.();
  return line === undefined ? undefined : approximateSource(line);
}

function pathOf({ path }: ClientRequest): string {
  return path.split('?')[0] ?? '';
}

function queryTextOf(path: string): string {
  return path.split('?').slice(1).join('?');
}
