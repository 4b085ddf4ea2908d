import { messageOf } from '../core/errors';
import { labelNames } from '../core/labels';
import { print } from '../core/print';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { findPublishedHost } from '../engine/published-host';
import { rawConnectionsTo } from '../engine/raw-connection';
import { bypassRelay } from '../engine/relayed-engine';
import { findEngineSocketPaths } from '../lease/engine-socket';
import { localSocketPath } from '../lease/host-socket';
import { chooseReaper } from '../lease/reaper-choice';
import { sessionIdentity } from '../registry/session-identity';
import type { Registry } from '../registry/registry';
import { openRelay, type Relay } from '../relay/relay';
import type { Run } from '../session/current-run';
import type { RunSettings } from '../session/run-client';
import { environmentOfCommand, readSelectedBuilder } from './command-environment';
import type { CommandRequests, followRequests } from './command-requests';
import type { CommandRunOptions } from './command-settings';
import { engineForCommand } from './local-podman';

/** A session around a command, with the relay that the command's clients connect to. */
export interface CommandRun {
  readonly engine: Engine;
  readonly session: string;
  readonly registry: Registry;
  readonly relay: Relay;
  /** The command's requests to the engine; `undefined` until it has made one. */
  readonly requests: CommandRequests | undefined;
  readonly environment: Readonly<Record<string, string>>;
  /** Resolves to the run of the session. The first call opens it. @throws CastoffError as `openRun` does. */
  run(): Promise<Run>;
}

/**
 * Opens a session and a relay in front of its engine. The run opens when it is first needed, and the first creation
 * waits for its lease; with a reaper that the user has chosen, this function does, too.
 *
 * @param command.file - Its program.
 * @param command.title - The command line.
 * @throws CastoffError `ENGINE_UNREACHABLE`; `CONFIG_INVALID`; `REAPER_UNAVAILABLE` for a chosen reaper.
 */
export async function openCommandRun(
  { file, title }: { readonly file: string; readonly title: string },
  settings: RunSettings,
  options: CommandRunOptions,
): Promise<CommandRun> {
  const connecting = engineForCommand(file, connectEngine());
  // One pool for all: over ssh, it limits the logins at the same time.
  const connections = connecting.then(({ connection }) => rawConnectionsTo(connection.endpoint));
  // Reported below, unless the relay cannot be opened.
  connections.catch(() => undefined);
  const { id: session, registry } = sessionIdentity();
  let opening: Promise<Run> | undefined;
  let followed: CommandRequests | undefined;
  const run = (): Promise<Run> => (opening ??= openLate(settings));
  const requests = (): CommandRequests =>
    (followed ??= loadFollower()({ command: title, session, run, registry, connecting }));
  // The engine is found meanwhile.
  const relay = await openRelay({
    path: localSocketPath(`relay-${session}`),
    connect: async () => (await connections)(),
    onRequest: (method, path) => requests().onRequest(method, path),
    onCreation: (creation) => requests().onCreation(creation),
    ...(options.guard === true && {
      refusal: (request) => requests().refusal(request),
      pruneLabel: `${labelNames.session}=${session}`,
    }),
    onError: (what, error) => print(`${what}: ${messageOf(error)}`),
  });
  try {
    const engine = await connecting;
    const mode = chooseReaper();
    if (mode !== 'auto' && mode !== 'off') await (await run()).ready();
    const { endpoint } = engine.connection;
    const [socketPath = ''] = await findEngineSocketPaths(engine);
    const host = await findPublishedHost(endpoint);
    const environment = environmentOfCommand({
      outer: bypassRelay(process.env),
      endpoint,
      isPodman: engine.isPodman,
      relay: addressOf(relay.path),
      socketPath,
      host,
      builder: readSelectedBuilder(endpoint),
      isRyukDisabled: options.disableRyuk === true,
    });
    return {
      engine,
      session,
      registry,
      relay,
      get requests() {
        return followed;
      },
      environment,
      run,
    };
  } catch (error) {
    await relay.close();
    if (opening !== undefined) await (await opening).close();
    throw error;
  }
}

/** Loaded with the first use, as is all that the command does not wait for. */
async function openLate(settings: RunSettings): Promise<Run> {
  const { openRun } = await import('../run/run.ts');
  // Only the relay adds the session's labels, to what it registers.
  return openRun(settings, { takesWorkers: false, registersAll: true });
}

/** Loaded with the command's first request. */
function loadFollower(): typeof followRequests {
  const late = require('./command-requests') as { readonly followRequests: typeof followRequests };
  return late.followRequests;
}

function addressOf(path: string): string {
  return path.startsWith('\\\\') ? `npipe://${path.replaceAll('\\', '/')}` : `unix://${path}`;
}
