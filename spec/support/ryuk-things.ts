import type { Readable } from 'node:stream';
import type { RemovableKind } from '../../lib/engine/removable-kind';
import { specImage } from './spec-image';
import { docker, exists, specLabel, uniqueName } from './things';
import { until } from './until';

export type Labels = Readonly<Record<string, string>>;

/** Things on the engine under names that a spec gives them, so that it can say which are left. */
export class NamedThings {
  readonly #things = new Map<string, { readonly kind: RemovableKind; readonly id: string }>();

  /** A container that has not been started, which is the quickest thing to make. */
  async container(name: string, labels: Labels): Promise<string> {
    const { id } = await docker.createContainer({ Image: specImage, Labels: { ...labels, ...specLabel } });
    return this.#add(name, 'container', id);
  }

  /** A running container in a network, with a volume, of an image: none but the container can go while it is there. */
  async family(labels: Labels): Promise<void> {
    const Labels = { ...labels, ...specLabel };
    const [network, volume, image] = [uniqueName(), uniqueName(), uniqueName()];
    const made = await docker.createNetwork({ Name: network, Labels });
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
    this.#add('network', 'network', made.id);
    this.#add('volume', 'volume', volume);
    this.#add('image', 'image', Id);
  }

  async volume(name: string, labels: Labels): Promise<string> {
    const id = uniqueName();
    await docker.createVolume({ Name: id, Labels: { ...labels, ...specLabel } });
    return this.#add(name, 'volume', id);
  }

  /** The names of those that the engine still knows. */
  async left(): Promise<readonly string[]> {
    const all = [...this.#things];
    const isThere = await Promise.all(all.map(([, { kind, id }]) => exists(kind, id)));
    return all.filter((_, index) => isThere[index]).map(([name]) => name);
  }

  /**
   * Watches the engine from now on. The result stops it, and resolves to the names of those that were removed, in the order in
   * which the engine did it. (Asked afterwards, the engine knows its last 256 events only.)
   */
  async watchRemovals(): Promise<() => Promise<readonly string[]>> {
    const events = (await docker.getEvents({ filters: { event: ['destroy', 'delete'] } })) as Readable;
    let text = '';
    events.on('data', (piece: Buffer) => (text += piece.toString()));
    const removed = (): readonly string[] => {
      const lines = text.split('\n').slice(0, -1);
      const ids = lines.map((line) => (JSON.parse(line) as { Actor: { ID: string } }).Actor.ID);
      return ids.flatMap((gone) =>
        [...this.#things].filter(([, { id }]) => id === gone).map(([name]) => name),
      );
    };
    return async () => {
      await until(() => removed().length === this.#things.size, 5_000);
      events.destroy();
      return removed();
    };
  }

  #add(name: string, kind: RemovableKind, id: string): string {
    this.#things.set(name, { kind, id });
    return id;
  }
}
