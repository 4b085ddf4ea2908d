import type { Runtime } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import type { ScriptPosition } from './heap-graph';

/**
 * Reads what a heap snapshot does not contain, by the ids of its objects. Each takes some 50 ms. Once disposed of,
 * V8 forgets the ids of all snapshots.
 *
 * @see Chrome DevTools Protocol, HeapProfiler.getObjectByHeapObjectId
 */
export class HeapObjects implements Disposable {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
  }

  /**
   * Resolves to where a function is suspended: the position of its `await`.
   *
   * @see V8, ValueMirror: `[[GeneratorLocation]]`
   */
  async suspendedAt(id: number): Promise<ScriptPosition | undefined> {
    const objectId = (await this.#find(id))?.objectId;
    if (objectId === undefined) return undefined;
    const { internalProperties = [] } = await this.#session.post('Runtime.getProperties', {
      objectId,
      ownProperties: true,
    });
    const location = internalProperties.find(({ name }) => name === '[[GeneratorLocation]]')?.value?.value as
      { readonly lineNumber: number; readonly columnNumber?: number } | undefined;
    return location === undefined
      ? undefined
      : { line: location.lineNumber, column: location.columnNumber ?? 0 };
  }

  /** Resolves to the source code of a function. @see Runtime.RemoteObject: the description of a function */
  async sourceOf(id: number): Promise<string | undefined> {
    return (await this.#find(id))?.description;
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }

  async #find(id: number): Promise<Runtime.RemoteObject | undefined> {
    const [found] = await Promise.allSettled([
      this.#session.post('HeapProfiler.getObjectByHeapObjectId', { objectId: String(id) }),
    ]);
    // It has returned since the snapshot, and was collected.
    return found.status === 'fulfilled' ? found.value.result : undefined;
  }
}
