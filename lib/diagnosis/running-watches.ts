import { processWide } from '../core/global-state';
import type { Handle } from './handle';

type ListHandles = () => readonly Handle[];

const watches = (): Set<ListHandles> => processWide('running handle watches', () => new Set<ListHandles>());

/** Lists a running watch until the returned function is called. */
export function addRunningWatch(list: ListHandles): () => void {
  watches().add(list);
  return () => void watches().delete(list);
}

/** Returns the open handles that the watches of this process have recorded; none without a watch. */
export function listWatchedHandles(): readonly Handle[] {
  return [...watches()].flatMap((list) => list());
}
