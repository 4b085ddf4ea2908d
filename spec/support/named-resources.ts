import type { Readable } from 'node:stream';
import type { RemovableKind } from '../../lib/core/kinds';
import { specImage } from './spec-image';
import { docker, exists, specLabel, uniqueName } from './things';
import { until } from './until';

export type Labels = Readonly<Record<string, string>>;

/** Resources on the engine under names that a spec chooses, to report which are left. */
export class NamedResources {
  readonly #resources = new Map<string, { readonly kind: RemovableKind; readonly id: string }>();

  /** Creates a container without starting it, which is fastest. */
  async container(name: string, labels: Labels): Promise<string> {
    const { id } = await docker.createContainer({ Image: specImage, Labels: { ...labels, ...specLabel } });
    return this.#add(name, 'container', id);
  }

  /** Creates a running container with its network, volume and image, which cannot be removed before it. */
  async family(labels: Labels): Promise<void> {
    const Labels = { ...labels, ...specLabel };
    const [network, volume, image] = [uniqueName(), uniqueName(), uniqueName()];
    const createdNetwork = await docker.createNetwork({ Name: network, Labels });
    await docker.createVolume({ Name: volume, Labels });
    const original = await docker.createContainer({ Image: specImage, Labels });
    const { Id }: { Id: string } = await original.commit({ repo: image, tag: '1' });
    await original.remove();
    const container = await docker.createContainer({
      Image: `${image}:1`,
      Labels,
      Cmd: ['sleep', '600'],
      HostConfig: { NetworkMode: network, Binds: [`${volume}:/data`] },
    });
    await container.start();
    this.#add('container', 'container', container.id);
    this.#add('network', 'network', createdNetwork.id);
    this.#add('volume', 'volume', volume);
    this.#add('image', 'image', Id);
  }

  async volume(name: string, labels: Labels): Promise<string> {
    const id = uniqueName();
    await docker.createVolume({ Name: id, Labels: { ...labels, ...specLabel } });
    return this.#add(name, 'volume', id);
  }

  /** Names of the resources that still exist. */
  async left(): Promise<readonly string[]> {
    const all = [...this.#resources];
    const areLeft = await Promise.all(all.map(([, { kind, id }]) => exists(kind, id)));
    return all.filter((_, index) => areLeft[index]).map(([name]) => name);
  }

  /**
   * Watches removals from now on. The returned function stops watching, and resolves to the names of the
   * removed resources in order. (Afterwards, the engine would report its last 256 events only.)
   */
  async watchRemovals(): Promise<() => Promise<readonly string[]>> {
    const filters = { event: ['destroy', 'delete'] };
    // Docker answers a moment before it subscribes: with `since`, it also reports the events of that moment.
    const events = (await docker.getEvents({ since: Date.now() / 1_000, filters })) as Readable;
    let text = '';
    events.on('data', (piece: Buffer) => (text += piece.toString()));
    const removed = (): readonly string[] => {
      const lines = text.split('\n').slice(0, -1);
      const ids = lines.map((line) => (JSON.parse(line) as { Actor: { ID: string } }).Actor.ID);
      return ids.flatMap((removedId) =>
        [...this.#resources].filter(([, { id }]) => id === removedId).map(([name]) => name),
      );
    };
    return async () => {
      await until(() => removed().length === this.#resources.size);
      events.destroy();
      return removed();
    };
  }

  #add(name: string, kind: RemovableKind, id: string): string {
    this.#resources.set(name, { kind, id });
    return id;
  }
}
