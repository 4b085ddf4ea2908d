import { randomBytes } from 'node:crypto';
import { creationLabels, labelNames, ownershipLabels, ryukLabel, type Owner } from '../core/labels';
import { removeContainer } from '../engine/container-calls';
import { valueOf, type Engine } from '../engine/engine';
import type { EngineError } from '../engine/engine-error';
import { attachContainer, createContainer, startContainer, type NewContainer } from '../engine/launch-calls';
import type { ReaperConnection } from './conversation';
import { findEngineSocketPaths } from './engine-socket';
import { imagePaths } from './image-recipe';
import { reaperVariablesFrom } from './reaper-variables';

/** Whom a reaper is started for. */
export interface LaunchedFor {
  readonly engine: Engine;
  readonly session: string;
  readonly owner: Owner;
}

export interface LaunchedContainer extends ReaperConnection {
  readonly id: string;
}

/** Where the engine's socket is inside of the container. */
const innerSocketPath = '/var/run/docker.sock';

const memoryBytes = 256 * 1_024 * 1_024;

/**
 * Starts the reaper's image with the engine's socket in it and takes its stdin, which is the lease: no port, no network, no
 * privileges. It removes itself when it ends.
 *
 * @throws EngineError when the engine refuses, also for want of the image (`gone`); nothing is left then.
 */
export async function launchContainer(
  { engine, session, owner }: LaunchedFor,
  image: string,
): Promise<LaunchedContainer> {
  const name = `castoff-reaper-${session}`;
  const own = ownershipLabels({ session, owner, createdAt: new Date() });
  const labels = { ...own, ...creationLabels('container'), ...reaperLabels };
  const settings = { name, image, labels };
  const { id, title } = await create(engine, settings, await findEngineSocketPaths(engine));
  try {
    const stream = valueOf(await attachContainer(engine, id));
    valueOf(await startContainer(engine, id));
    return { id, stream, reaper: `container ${title}` };
  } catch (error) {
    await removeContainer(engine, id, { removeVolumes: true });
    throw error;
  }
}

/** By these no reaper is reaped, and clients of Ryuk find one. */
const reaperLabels = { [labelNames.reaper]: 'true', [ryukLabel]: 'true' };

interface ContainerSettings {
  readonly name: string;
  readonly image: string;
  readonly labels: Record<string, string>;
}

async function create(
  engine: Engine,
  settings: ContainerSettings,
  socketPaths: readonly string[],
): Promise<{ readonly id: string; readonly title: string }> {
  let refusal: EngineError | undefined;
  for (const socketPath of socketPaths) {
    const answer = await createContainer(engine, createOptions(settings, socketPath));
    if (answer.meaning === 'done') return { id: answer.value, title: settings.name };
    refusal = answer.error;
    // 409: the name is in use, by the reaper that this one follows, or by one of this session on the same engine under another address.
    if (answer.meaning === 'busy') {
      const other = { ...settings, name: `${settings.name}-${randomBytes(3).toString('hex')}` };
      const id = valueOf(await createContainer(engine, createOptions(other, socketPath)));
      return { id, title: other.name };
    }
    if (!isMountRefusal(refusal)) break;
  }
  throw refusal ?? new Error('no path of the engine’s socket to try');
}

// 400 {"message":"invalid mount config for type \"bind\": bind source path does not exist: /x.sock"}
// Podman, at the start: 500 {"cause":"no such file or directory","message":"statfs /x.sock: no such file or directory"}
function isMountRefusal({ engineMessage }: EngineError): boolean {
  return /bind source path does not exist|no such file or directory/.test(engineMessage);
}

function createOptions({ name, image, labels }: ContainerSettings, socketPath: string): NewContainer {
  return {
    name,
    Image: image,
    // Not the image's own, which binds the port of the stand-alone reaper first.
    Entrypoint: ['node', imagePaths.program],
    Cmd: ['attached'],
    Env: [`DOCKER_HOST=unix://${innerSocketPath}`, ...settingsOfEnvironment()],
    Labels: labels,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      AutoRemove: true,
      ReadonlyRootfs: true,
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      // SELinux keeps a confined container from the socket; the label is what it needs to lose, not all that privileged gives.
      SecurityOpt: ['no-new-privileges', 'label=disable'],
      Memory: memoryBytes,
      PidsLimit: 64,
      // As a mount and not a bind: a path that is not there is refused, where a bind would make a folder of it.
      Mounts: [{ Type: 'bind', Source: socketPath, Target: innerSocketPath }],
    },
  };
}

function settingsOfEnvironment(): readonly string[] {
  return reaperVariablesFrom.flatMap((name) => {
    const value = process.env[name];
    return value === undefined || value === '' ? [] : [`${name}=${value}`];
  });
}
