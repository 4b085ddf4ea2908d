import type { Readable } from 'node:stream';
import { getHeapSnapshot } from 'node:v8';
import { asError } from '../core/errors';
import { HeapGraph } from './heap-graph';
import { HeapSectionReader } from './heap-sections';

/**
 * Resolves to the heap of this thread, after a forced collection. Blocks for 0.1 to 1 s.
 *
 * @throws Error when this version of V8 writes another format.
 */
export async function takeHeapGraph(): Promise<HeapGraph> {
  const reader = new HeapSectionReader();
  await readAll(getHeapSnapshot(), (chunk) => reader.add(chunk));
  return new HeapGraph(reader.end());
}

/** On Node.js 22.12, `for await` reads all of a snapshot and never ends. */
function readAll(snapshot: Readable, add: (chunk: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    snapshot
      .setEncoding('utf8')
      .on('data', (chunk: string) => {
        try {
          add(chunk);
        } catch (error) {
          snapshot.destroy();
          reject(asError(error));
        }
      })
      .once('error', reject)
      .once('end', resolve);
  });
}
