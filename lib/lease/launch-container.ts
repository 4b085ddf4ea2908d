import { creationLabels, labelNames, ownershipLabels, ryukLabel, type Owner } from '../core/labels';
import { readVariable } from '../core/environment';
import { randomHex } from '../core/random-hex';
import { removeContainer } from '../engine/container-calls';
import { valueOf, type Engine } from '../engine/engine';
import type { EngineError } from '../engine/engine-error';
import { attachContainer, createContainer, startContainer, type NewContainer } from '../engine/launch-calls';
import { findEngineSocketPaths } from './engine-socket';
import { reaperSettings } from './host-environment';
import { imagePaths } from './image-recipe';
import { openReaperConnection, type ReaperConnection } from './reaper-connection';

/** The session that needs a lease, and its engine. */
export interface LeaseRequest {
  readonly engine: Engine;
  readonly session: string;
  readonly owner: Owner;
}

interface LaunchedContainer extends ReaperConnection {
  readonly id: string;
}

/** The path of the engine's socket inside the container. */
const innerSocketPath = '/var/run/docker.sock';

const memoryBytes = 256 * 1_024 * 1_024;

/**
 * Starts a reaper container with the engine's socket mounted, and attaches to its stdin, which carries the
 * lease.
 *
 * The container has no port, no network and no privileges, and is removed by the engine when it ends.
 *
 * @param image - Name or id.
 * @throws EngineError when the engine refuses, also when the image is missing (`gone`). Leaves nothing on the
 * engine then.
 */
export async function launchContainer(
  { engine, session, owner }: LeaseRequest,
  image: string,
): Promise<LaunchedContainer> {
  const name = `castoff-reaper-${session}`;
  const own = ownershipLabels({ session, owner, createdAt: new Date() });
  const labels = { ...own, ...creationLabels('container'), ...reaperLabels };
  const settings = { name, image, labels };
  const { id, title } = await create(engine, settings, await findEngineSocketPaths(engine));
  try {
    const stream = valueOf(await attachContainer(engine, id));
    const connection = openReaperConnection(stream, `container ${title}`);
    valueOf(await startContainer(engine, id));
    // Ends a partial line: Podman sends the body of the attach request as the first bytes of stdin.
    stream.write('\n');
    return { ...connection, id };
  } catch (error) {
    await removeContainer(engine, id, { removeVolumes: true });
    throw error;
  }
}

/** Keep reapers from being reaped, and let Testcontainers clients find one. */
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
    // 409: the name is used by the previous reaper, or by another one of this session, on the same engine
    // under another address.
    if (answer.meaning === 'busy') {
      const other = { ...settings, name: `${settings.name}-${randomHex(3)}` };
      const id = valueOf(await createContainer(engine, createOptions(other, socketPath)));
      return { id, title: other.name };
    }
    if (!isMountRefusal(refusal)) break;
  }
  throw refusal ?? new Error('find the engine’s socket: no path to try');
}

// 400 {"message":"invalid mount config for type \"bind\": bind source path does not exist: /x.sock"}
// Podman, on start: 500 {"cause":"no such file or directory","message":"statfs /x.sock: no such file or directory"}
function isMountRefusal({ engineMessage }: EngineError): boolean {
  return /bind source path does not exist|no such file or directory/.test(engineMessage);
}

function createOptions({ name, image, labels }: ContainerSettings, socketPath: string): NewContainer {
  return {
    name,
    Image: image,
    // Replaces the image's entrypoint, which first binds the port that Ryuk's clients use.
    Entrypoint: ['node', imagePaths.program],
    Cmd: ['sidecar'],
    Env: [`DOCKER_HOST=unix://${innerSocketPath}`, ...forwardedSettings()],
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
      // SELinux denies a confined container access to the socket. Disabling the label is enough; `Privileged`
      // is not needed.
      SecurityOpt: ['no-new-privileges', 'label=disable'],
      Memory: memoryBytes,
      PidsLimit: 64,
      // A mount, not a bind: the engine refuses a missing path, where a bind would create a folder there.
      Mounts: [{ Type: 'bind', Source: socketPath, Target: innerSocketPath }],
    },
  };
}

function forwardedSettings(): readonly string[] {
  return reaperSettings.flatMap((name) => {
    const value = readVariable(name);
    return value === undefined ? [] : [`${name}=${value}`];
  });
}
