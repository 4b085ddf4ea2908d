import type { LeftVolumes } from '../capture/anonymous-volumes';
import { queryOf } from '../capture/request-labels';
import { labelNames } from '../core/labels';
import { timeouts } from '../core/timeouts';
import { warnCapture } from '../core/warnings';
import { volumesOfContainer } from '../engine/anonymous-volumes';
import { valueOf, type Engine } from '../engine/engine';
import { listTargets } from '../engine/list-targets';
import { inspectMounted } from '../engine/volume-calls';
import type { Registry } from '../registry/registry';
import { readRemoval, type RemovalRequest } from '../relay/removal-request';

interface ContainerVolumesOptions {
  readonly connecting: Promise<Engine>;
  readonly registry: Registry;
  readonly session: string;
}

/**
 * The anonymous volumes of the command's containers. castoff removes them with their container; a command that
 * removes a container without `-v`, or prunes, leaves them, without labels.
 */
export class ContainerVolumes {
  readonly #options: ContainerVolumesOptions;
  readonly #left: LeftVolumes[] = [];

  constructor(options: ContainerVolumesOptions) {
    this.#options = options;
  }

  /** Takes note of a request of the command, before it is forwarded. Never rejects. */
  async note(method: string, path: string): Promise<void> {
    const removal = readRemoval(method, path);
    if (removal === undefined || !leavesVolumes(removal)) return;
    const { meaning } = removal;
    try {
      const { connecting, session } = this.#options;
      const engine = (await connecting).within({ timeoutMs: timeouts.inspectMs });
      if (meaning.type === 'remove') return await this.#noteContainer(engine, meaning.ref);
      // Each of them may have exited by the time that the engine prunes.
      const containers = await listTargets(engine, [`${labelNames.session}=${session}`], ['container']);
      const noting = await Promise.allSettled(containers.map(({ id }) => this.#noteContainer(engine, id)));
      const failed = noting.find((one) => one.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    } catch (error) {
      const what = meaning.type === 'remove' ? `container ${meaning.ref}` : 'pruned containers';
      warnCapture(`list volumes of ${what}`, error, 'they may be left behind');
    }
  }

  async #noteContainer(engine: Engine, ref: string): Promise<void> {
    const inspected = await inspectMounted(engine, ref);
    if (inspected.meaning === 'gone') return;
    const mounted = valueOf(inspected);
    const key = mounted.Config?.Labels?.[labelNames.start];
    const container = this.#options.registry.list({ kind: 'container' }).find((entry) => entry.key === key);
    if (container !== undefined) this.#left.push({ container, names: volumesOfContainer(mounted) });
  }

  /** Registers the volumes of containers that the command has removed, as leaks. Never rejects. */
  async registerLeft(): Promise<void> {
    const { registry } = this.#options;
    const gone = registry.list({ kind: 'container', state: 'gone' }).map(({ key }) => key);
    const left = this.#left.filter(
      ({ container, names }) => names.length > 0 && gone.includes(container.key),
    );
    if (left.length === 0) return;
    // Loaded on first use: most commands leave none.
    const { registerLeft } = await import('../capture/anonymous-volumes.ts');
    // Compose mounts the volumes of a container that it replaces by their names: no removal takes them along.
    const leaks = registry.list({ kind: 'container', state: 'present' }).map(({ id }) => id);
    const isEnding = (id: string): boolean => leaks.includes(id);
    await registerLeft({ options: { registry } }, left, { isEnding });
    const names = left.flatMap((one) => one.names);
    for (const { key, id = '' } of registry.list({ kind: 'volume', state: 'present' }))
      if (names.includes(id)) registry.update(key, { leakedAt: new Date() });
  }
}

/** Whether it removes containers without their volumes. @see Engine API, ContainerDelete: `v`; ContainerPrune */
function leavesVolumes({ meaning, path }: RemovalRequest): boolean {
  if (meaning.type === 'prune') return meaning.kind === 'container';
  if (meaning.type !== 'remove' || meaning.kind !== 'container') return false;
  return ['', '0', 'false', 'False'].includes(queryOf(path).get('v') ?? '');
}
