import { getHeapSnapshot } from 'node:v8';
import { HeapGraph } from './heap-graph';
import { HeapSectionReader } from './heap-sections';

/**
 * Resolves to the heap of this thread, after a forced collection. Blocks for 0.1 to 1 s.
 *
 * @throws Error when this version of V8 writes another format.
 */
export async function takeHeapGraph(): Promise<HeapGraph> {
  const reader = new HeapSectionReader();
  for await (const chunk of getHeapSnapshot().setEncoding('utf8')) reader.add(chunk as string);
  return new HeapGraph(reader.end());
}
