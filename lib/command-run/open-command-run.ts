import { messageOf } from '../core/errors';
import { labelNames } from '../core/labels';
import { print } from '../core/print';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { rawConnectionsTo } from '../engine/raw-connection';
import { bypassRelay } from '../engine/relayed-engine';
import { createVolume } from '../engine/volume-calls';
import { findEngineSocketPaths } from '../lease/engine-socket';
import { localSocketPath } from '../lease/host-socket';
import { chooseReaper } from '../lease/reaper-choice';
import { sessionIdentity } from '../registry/session-identity';
import type { Registry } from '../registry/registry';
import { openRelay, type Relay } from '../relay/relay';
import { listParts } from '../resources/project-parts';
import { openRun } from '../run/run';
import type { Run } from '../session/current-run';
import type { RunSettings } from '../session/run-client';
import { BuiltImages } from './built-images';
import { environmentOfCommand, readSelectedBuilder } from './command-environment';
import type { CommandRunOptions } from './command-settings';
import { ContainerVolumes } from './container-volumes';
import { Creations } from './creations';
import type { Guard, GuardOptions } from './guard';
import { ProjectGate } from './project-gate';

/** A session around a command, with the relay that the command's clients connect to. */
export interface CommandRun {
  readonly engine: Engine;
  readonly run: Run;
  readonly registry: Registry;
  readonly relay: Relay;
  readonly creations: Creations;
  readonly projects: ProjectGate;
  readonly volumes: ContainerVolumes;
  readonly images: BuiltImages;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Opens a session and a relay in front of its engine. The first creation waits for the session's
 * lease; with a reaper that the user has chosen, this function does, too.
 *
 * @param command - The command line.
 * @throws CastoffError `ENGINE_UNREACHABLE`; `CONFIG_INVALID`; `REAPER_UNAVAILABLE` for a chosen reaper.
 */
export async function openCommandRun(
  command: string,
  settings: RunSettings,
  options: CommandRunOptions,
): Promise<CommandRun> {
  const connecting = connectEngine();
  // Reported below, unless the run cannot be opened.
  connecting.catch(() => undefined);
  const run = await openRun(settings);
  let relay: Relay | undefined;
  try {
    const { registry } = sessionIdentity();
    const projects = new ProjectGate({
      session: run.session,
      listParts: async (project) => listParts(await connecting, project),
    });
    const volumes = new ContainerVolumes({ connecting, registry, session: run.session });
    const images = new BuiltImages(connecting);
    const creations = new Creations({
      session: run.session,
      registry,
      connecting,
      command,
      projects,
      ready: () => run.ready(),
      createVolume: async ({ name, ...driver }, labels) =>
        createVolume(await connecting, name, labels, driver),
      onUnlabelled: (creation) => run.reportUnlabelled(creation),
    });
    const { innerSessions, reapers } = creations;
    const guarded = { connecting, session: run.session, innerSessions, reapers, images };
    // The engine is found meanwhile.
    relay = await openRelay({
      path: localSocketPath(`relay-${run.session}`),
      connect: async () => rawConnectionsTo((await connecting).connection.endpoint)(),
      async onRequest(method, path) {
        await volumes.note(method, path);
        return images.note(method, path);
      },
      onCreation: (creation) => creations.plan(creation),
      ...(options.guard === true && {
        refusal: await openGuard(guarded),
        pruneLabel: `${labelNames.session}=${run.session}`,
      }),
      onError: (what, error) => print(`${what}: ${messageOf(error)}`),
    });
    const engine = await connecting;
    const mode = chooseReaper();
    if (mode !== 'auto' && mode !== 'off') await run.ready();
    const { endpoint } = engine.connection;
    const [socketPath = ''] = await findEngineSocketPaths(engine);
    const environment = environmentOfCommand({
      outer: bypassRelay(process.env),
      endpoint,
      isPodman: engine.isPodman,
      relay: addressOf(relay.path),
      socketPath,
      builder: readSelectedBuilder(endpoint),
      isRyukDisabled: options.disableRyuk === true,
    });
    return { engine, run, registry, relay, creations, projects, volumes, images, environment };
  } catch (error) {
    await relay?.close();
    await run.close();
    throw error;
  }
}

/** Loaded with its first use, as is all that the command does not wait for. */
async function openGuard(options: GuardOptions): Promise<Guard['refusal']> {
  const late = await import('./guard.ts');
  return new late.Guard(options).refusal;
}

function addressOf(path: string): string {
  return path.startsWith('\\\\') ? `npipe://${path.replaceAll('\\', '/')}` : `unix://${path}`;
}
