import { execFileSync } from 'node:child_process';
import { readField } from '../core/errors';
import { labelNames } from '../core/labels';
import { warnCapture } from '../core/warnings';
import { timeouts } from '../core/timeouts';
import { isAnonymousName, volumesOfContainer, type MountedContainer } from '../engine/anonymous-volumes';
import { connectEngine } from '../engine/connect';
import { listContainersUsing } from '../engine/container-calls';
import { inspectMounted } from '../engine/volume-calls';
import type { RegistryEntry } from '../registry/entry';
import { volume } from '../resources/volume';
import type { CommandLine } from '../commands/launch';
import type { TrackedResources } from './tracked-resources';

/** Anonymous volumes that the removal of their container leaves on the engine. */
export interface LeftVolumes {
  readonly container: RegistryEntry;
  readonly names: readonly string[];
}

/** The registry of captured resources. */
interface Registered {
  readonly options: Pick<TrackedResources['options'], 'registry'>;
}

/** Lists the anonymous volumes of a container that is about to be removed without them. Never rejects. */
export async function volumesLeftBy(container: RegistryEntry): Promise<LeftVolumes> {
  if (container.id === undefined) return { container, names: [] };
  try {
    const engine = (await connectEngine(container.engine)).within({ timeoutMs: timeouts.inspectMs });
    const inspected = await inspectMounted(engine, container.id);
    return { container, names: inspected.meaning === 'done' ? volumesOfContainer(inspected.value) : [] };
  } catch (error) {
    warnCapture(`list volumes of container ${container.id}`, error, 'they may be left behind');
    return { container, names: [] };
  }
}

/** Lists the anonymous volumes that a command is going to leave. Blocks: it runs once this returns. */
export function volumesLeftByCommand(
  tracked: TrackedResources,
  { file, env }: CommandLine,
  refs: readonly string[],
): readonly LeftVolumes[] {
  const { session } = tracked.options;
  const containers = tracked.options.registry.list({ kind: 'container' });
  const known = containers.filter(({ state }) => state !== 'gone');
  if (known.length === 0 || refs.length === 0) return [];
  return inspectByCommand(file, env, refs).flatMap((inspected) => {
    const labels = inspected.Config?.Labels ?? {};
    const container = known.find(({ key }) => labels[labelNames.start] === key);
    if (container === undefined || labels[labelNames.session] !== session) return [];
    return [{ container, names: volumesOfContainer(inspected) }];
  });
}

/** How volumes are registered. */
interface RegisterOptions {
  /** Whether a container, given by its id, does not outlive the volumes that it uses. Default: no container. */
  readonly isEnding?: ((container: string) => boolean) | undefined;
}

/**
 * Registers the volumes that still exist under the owner of their container, except those that another container
 * uses. Never rejects.
 */
export async function registerLeft(
  tracked: Registered,
  left: readonly LeftVolumes[],
  options: RegisterOptions = {},
): Promise<void> {
  for (const { container, names } of left) {
    for (const name of names.filter(isAnonymousName)) {
      try {
        await register(tracked, { container, name }, options);
      } catch (error) {
        warnCapture(`inspect volume ${name}`, error, 'it may be left behind');
      }
    }
  }
}

async function register(
  tracked: Registered,
  { container, name }: { readonly container: RegistryEntry; readonly name: string },
  { isEnding = () => false }: RegisterOptions,
): Promise<void> {
  const engine = (await connectEngine(container.engine)).within({ timeoutMs: timeouts.inspectMs });
  const inspected = await volume.inspect(engine, name);
  if (inspected.meaning === 'gone') return;
  if (inspected.meaning !== 'done') throw inspected.error;
  const users = await listContainersUsing(engine, 'volume', name);
  if (users.meaning !== 'done') throw users.error;
  // Another container uses it, through `--volumes-from` or by its name.
  if (!users.value.every(isEnding)) return;
  const { registry } = tracked.options;
  if (registry.list({ kind: 'volume' }).some((entry) => entry.id === name && entry.state !== 'gone')) return;
  const entry = registry.note('volume', container.owner, { origin: 'raw', name, engine: engine.address });
  registry.update(entry.key, { state: 'present', id: name, identity: inspected.value.identity });
}

function inspectByCommand(
  file: string,
  env: CommandLine['env'],
  refs: readonly string[],
): readonly MountedContainer[] {
  const args = ['inspect', '--type', 'container', '--format', '{{json .}}', ...refs];
  let text: string;
  try {
    text = execFileSync(file, args, {
      env: { ...env },
      encoding: 'utf8',
      timeout: timeouts.inspectMs,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch (error) {
    // One of the containers does not exist: the output still lists the others.
    const stdout = readField(error, 'stdout');
    text = typeof stdout === 'string' ? stdout : '';
  }
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as MountedContainer);
}
