import { CastoffError, messageOf } from '../core/errors';
import { labelNames, type Labels } from '../core/labels';
import { withTimeout } from '../core/timeout';
import { randomHex } from '../core/random-hex';
import { connectEngine } from '../engine/connect';
import { valueOf, type Engine } from '../engine/engine';
import type { EngineResource } from '../engine/identity';
import { createMarker } from '../resources/adoption';
import { cleanupOne } from '../resources/cleanup-one';
import { cleanupResource } from '../resources/compose-project';
import type { Inspection, Target } from '../resources/kind';
import { removables } from '../resources/removables';
import { adoptProject } from './adopt-project';
import type { Item } from './item';
import type { ScopeItems } from './scope-items';
import type { OwnedTarget } from './owned-resource';
import type { ScopeContext } from './scope-context';

/**
 * Adds an existing resource to `items`, which remove it when the scope closes.
 *
 * @throws EngineError when it cannot be inspected; CastoffError `SCOPE_CLOSED` after it has been removed.
 */
export async function adoptInScope(
  items: ScopeItems,
  { kind, id }: Target,
  context: ScopeContext,
): Promise<void> {
  const { cleanupTimeoutMs: timeoutMs, engineAddress, source } = context;
  const what = `${kind} ${id}`;
  if (items.isClosed) {
    const removal = connectEngine(engineAddress).then((engine) =>
      cleanupResource(engine, { kind, id }, { timeoutMs }),
    );
    throw await items.closedErrorAfter(`adopt ${what}`, removal);
  }
  const adopting = kind === 'compose-project' ? adoptProject(id, context) : adopt({ kind, id }, context);
  const limits = { what: `adopt ${what}`, timeoutMs };
  const target = (): Promise<OwnedTarget> => withTimeout(adopting, limits);
  const item: Item = { type: 'resource', resource: { what, source, target } };
  items.add(item);
  try {
    await adopting;
  } catch (error) {
    items.drop(item);
    throw error;
  }
}

/** Inspects the resource and registers it by its id, since another resource may get its name later. */
async function adopt({ kind, id: given }: EngineResource, context: ScopeContext): Promise<OwnedTarget> {
  const { registry, owner, engineAddress } = context;
  const engine = await connectEngine(engineAddress);
  const inspection = valueOf(await removables[kind].inspect(engine, given));
  if (inspection.isPartialMatch) {
    throw new CastoffError(
      'ENGINE_REFUSED',
      `adopt ${kind} ${given}: no ${kind} has this name or id, though an id starts with it; give the full name or id`,
    );
  }
  const ownership = context.labels(randomHex(8));
  const { [labelNames.session]: session } = inspection.labels;
  // A resource without labels may be in the journal of another session that this process cannot read.
  const needsMarker = session !== ownership[labelNames.session];
  if (needsMarker) await context.ready?.();
  const { id, name, identity, markers } = needsMarker
    ? await markAndInspect(engine, { kind, id: inspection.id }, ownership)
    : { ...inspection, markers: [] };
  const known = { id, name, identity };
  const entry = registry.adopt(kind, owner, { ...known, engine: engine.address });
  return { ...entry, ...known, engine, markers };
}

/** Creates the marker, then inspects again: a sweep that missed the marker may have removed the resource. */
async function markAndInspect(
  engine: Engine,
  adopted: EngineResource,
  ownership: Labels,
): Promise<Inspection & { readonly markers: readonly string[] }> {
  const marker = await createMarker(engine, adopted, ownership);
  try {
    return { ...valueOf(await removables[adopted.kind].inspect(engine, adopted.id)), markers: [marker] };
  } catch (cause) {
    const [end] = await Promise.allSettled([cleanupOne(engine, 'volume', marker)]);
    if (end.status === 'fulfilled') throw cause;
    throw new CastoffError(
      'CLEANUP_FAILED',
      `adopt ${adopted.kind} ${adopted.id}: ${messageOf(cause)}; its marker could not be removed: ${messageOf(end.reason)}`,
      { cause, errors: [cause, end.reason] },
    );
  }
}
