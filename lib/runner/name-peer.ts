import type { Peer } from '../diagnosis/peer';
import type { Registry } from '../registry/registry';

/**
 * Returns a name for the container that a stream of an engine belongs to: `container redis:8 (a.test.js:3)`.
 * `undefined` for other peers, and for containers that this process has not created.
 */
export function namePeer({ container }: Peer, registry: Pick<Registry, 'list'>): string | undefined {
  if (container === undefined) return undefined;
  const entry = registry
    .list({ kind: 'container' })
    .findLast(({ id, name }) => name === container || id?.startsWith(container) === true);
  if (entry === undefined) return undefined;
  const { image, name, id = '', owner } = entry;
  const line = owner.source === undefined ? '' : ` (${owner.source})`;
  return `container ${image ?? name ?? id.slice(0, 12)}${line}`;
}
