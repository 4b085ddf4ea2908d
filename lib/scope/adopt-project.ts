import { maxBoundedIdentities, type Bounds } from '../core/bounds';
import { CastoffError, throwAll } from '../core/errors';
import { composeProjectLabel, labelNames } from '../core/labels';
import { randomHex } from '../core/random-hex';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import type { ListedTarget } from '../engine/list-targets';
import { claimLabels } from '../registry/claims';
import { createMarker } from '../resources/adoption';
import { cleanupOne } from '../resources/cleanup-one';
import { listParts } from '../resources/project-parts';
import type { OwnedTarget } from './owned-resource';
import type { ScopeContext } from './scope-context';

/**
 * Takes ownership of a Compose project, also of the parts that it gets later: the project is removed by its name
 * when the scope closes. After a crash, only the parts that exist now are removed.
 *
 * @throws EngineError when they cannot be listed or marked; CastoffError `ENGINE_REFUSED` when none exists.
 */
export async function adoptProject(name: string, context: ScopeContext): Promise<OwnedTarget> {
  const { registry, owner, engineAddress } = context;
  const engine = await connectEngine(engineAddress);
  const parts = await listParts(engine, name);
  if (parts.length === 0)
    throw new CastoffError(
      'ENGINE_REFUSED',
      `adopt Compose project ${name}: no container, network or volume of it exists`,
    );
  await context.ready?.();
  const markers = await markAll(engine, parts, context);
  const claimBounds: Bounds = { only: parts.map((part) => identityOf(part)) };
  const known = { id: name, name, engine: engine.address };
  const entry = registry.adopt('compose-project', owner, { ...known, bounds: claimBounds });
  // A reaper accepts no more; the journal has them all.
  if (parts.length <= maxBoundedIdentities)
    await claimLabels([`${composeProjectLabel}=${name}`], claimBounds);
  return { ...entry, ...known, engine, bounds: undefined, claimBounds, markers };
}

/** Marks the parts that this session did not create. Resolves to the names of the markers. */
async function markAll(
  engine: Engine,
  parts: readonly ListedTarget[],
  context: ScopeContext,
): Promise<readonly string[]> {
  const ownership = context.labels(randomHex(8));
  const { [labelNames.session]: session } = ownership;
  const others = parts.filter(({ labels }) => labels[labelNames.session] !== session);
  const marking = await Promise.allSettled(others.map((part) => createMarker(engine, part, ownership)));
  const markers = marking.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  const errors = marking.flatMap((end): unknown[] => (end.status === 'rejected' ? [end.reason] : []));
  if (errors.length === 0) return markers;
  const removals = await Promise.allSettled(markers.map((marker) => cleanupOne(engine, 'volume', marker)));
  for (const end of removals) if (end.status === 'rejected') errors.push(end.reason);
  throwAll(`mark the parts of a Compose project: ${errors.length} failures`, errors);
  return markers;
}
