import type { LeftVolumes } from '../capture/anonymous-volumes';
import { queryOf } from '../capture/request-labels';
import { labelNames } from '../core/labels';
import { timeouts } from '../core/timeouts';
import { warnCapture } from '../core/warnings';
import { volumesOfContainer } from '../engine/anonymous-volumes';
import { valueOf, type Engine } from '../engine/engine';
import { inspectMounted } from '../engine/volume-calls';
import type { Registry } from '../registry/registry';
import { readRemoval } from '../relay/removal-request';

/**
 * The anonymous volumes of the command's containers. castoff removes them with their container; a command that
 * removes a container without `-v` leaves them, without labels.
 */
export class ContainerVolumes {
  readonly #connecting: Promise<Engine>;
  readonly #registry: Registry;
  readonly #left: LeftVolumes[] = [];

  constructor(connecting: Promise<Engine>, registry: Registry) {
    this.#connecting = connecting;
    this.#registry = registry;
  }

  /** Takes note of a request of the command, before it is forwarded. Never rejects. */
  async note(method: string, path: string): Promise<void> {
    const ref = method === 'DELETE' ? containerOfRemoval(method, path) : undefined;
    if (ref === undefined) return;
    try {
      const engine = (await this.#connecting).within({ timeoutMs: timeouts.inspectMs });
      const inspected = await inspectMounted(engine, ref);
      if (inspected.meaning === 'gone') return;
      const mounted = valueOf(inspected);
      const key = mounted.Config?.Labels?.[labelNames.start];
      const container = this.#registry.list({ kind: 'container' }).find((entry) => entry.key === key);
      if (container !== undefined) this.#left.push({ container, names: volumesOfContainer(mounted) });
    } catch (error) {
      warnCapture(`list volumes of container ${ref}`, error, 'they may be left behind');
    }
  }

  /** Registers the volumes of containers that the command has removed, as leaks. Never rejects. */
  async registerLeft(): Promise<void> {
    const gone = this.#registry.list({ kind: 'container', state: 'gone' }).map(({ key }) => key);
    const left = this.#left.filter(
      ({ container, names }) => names.length > 0 && gone.includes(container.key),
    );
    if (left.length === 0) return;
    // Loaded on first use: most commands leave none.
    const { registerLeft } = await import('../capture/anonymous-volumes.ts');
    await registerLeft({ options: { registry: this.#registry } }, left);
    const names = left.flatMap((one) => one.names);
    for (const { key, id = '' } of this.#registry.list({ kind: 'volume', state: 'present' }))
      if (names.includes(id)) this.#registry.update(key, { leakedAt: new Date() });
  }
}

/** Returns the container that a request removes without its volumes. @see Engine API, ContainerDelete: `v` */
function containerOfRemoval(method: string, path: string): string | undefined {
  const meaning = readRemoval(method, path)?.meaning;
  if (meaning?.type !== 'remove' || meaning.kind !== 'container') return undefined;
  const removesVolumes = !['', '0', 'false', 'False'].includes(queryOf(path).get('v') ?? '');
  return removesVolumes ? undefined : meaning.ref;
}
