import type { LeftVolumes } from '../capture/anonymous-volumes';
import type { RegistryEntry } from '../registry/entry';
import type { Registry } from '../registry/registry';

// Loaded on first use: the command does not wait for it.
const loadVolumes = () => import('../capture/anonymous-volumes.ts');

/**
 * The anonymous volumes of the command's containers. castoff removes them with their container; a command that
 * removes a container without `-v` leaves them, without labels.
 */
export class ContainerVolumes {
  readonly #registry: Registry;
  readonly #listings: Promise<LeftVolumes>[] = [];

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** Starts to list the volumes of a new container. */
  add(container: RegistryEntry): void {
    this.#listings.push(loadVolumes().then(({ volumesLeftBy }) => volumesLeftBy(container)));
  }

  /** Registers the volumes of containers that the command has removed. Never rejects. */
  async registerLeft(): Promise<void> {
    const listed = await Promise.all(this.#listings);
    const gone = this.#registry.list({ kind: 'container', state: 'gone' }).map(({ key }) => key);
    const left = listed.filter(({ container, names }) => names.length > 0 && gone.includes(container.key));
    const { registerLeft } = await loadVolumes();
    await registerLeft({ options: { registry: this.#registry } }, left);
    const names = left.flatMap((one) => one.names);
    for (const { key, id = '' } of this.#registry.list({ kind: 'volume', state: 'present' }))
      if (names.includes(id)) this.#registry.update(key, { leakedAt: new Date() });
  }
}
