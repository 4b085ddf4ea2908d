import { createVolume } from '../engine/volume-calls';
import type { Engine } from '../engine/engine';
import type { Registry } from '../registry/registry';
import type { RelayServices } from '../relay/relay-services';
import { listParts } from '../resources/project-parts';
import type { Run } from '../session/current-run';
import { BuiltImages } from './built-images';
import { ContainerVolumes } from './container-volumes';
import { Creations } from './creations';
import { Guard } from './guard';
import { ProjectGate } from './project-gate';

/** What castoff needs to follow the requests of a command. */
export interface CommandRequestsOptions {
  /** The command line. */
  readonly command: string;
  readonly session: string;
  /** Resolves to the run of the session. */
  readonly run: () => Promise<Run>;
  readonly registry: Registry;
  readonly connecting: Promise<Engine>;
}

/** The command's requests to the engine: what they create, name, and leave. */
export interface CommandRequests extends Pick<RelayServices, 'onCreation'> {
  readonly onRequest: NonNullable<RelayServices['onRequest']>;
  readonly refusal: NonNullable<RelayServices['refusal']>;
  readonly creations: Creations;
  readonly projects: ProjectGate;
  readonly volumes: ContainerVolumes;
  readonly images: BuiltImages;
}

/** Follows the requests of a command, from its first one on. */
export function followRequests({
  command,
  session,
  run,
  registry,
  connecting,
}: CommandRequestsOptions): CommandRequests {
  const projects = new ProjectGate({
    session,
    listParts: async (project) => listParts(await connecting, project),
  });
  const volumes = new ContainerVolumes({ connecting, registry, session });
  const images = new BuiltImages(connecting);
  const creations = new Creations({
    session,
    registry,
    connecting,
    command,
    projects,
    ready: async () => (await run()).ready(),
    createVolume: async ({ name, ...driver }, labels) => createVolume(await connecting, name, labels, driver),
    onUnlabelled: async (creation) => (await run()).reportUnlabelled(creation),
  });
  const { innerSessions, reapers } = creations;
  const guard = new Guard({ connecting, session, innerSessions, reapers, images });
  return {
    creations,
    projects,
    volumes,
    images,
    async onRequest(method, path) {
      await volumes.note(method, path);
      return images.note(method, path);
    },
    onCreation: (creation) => creations.plan(creation),
    refusal: guard.refusal,
  };
}
