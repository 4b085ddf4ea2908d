import { randomBytes } from 'node:crypto';
import { CastoffError, messageOf } from '../core/errors';
import { labelNames } from '../core/labels';
import { withTimeout } from '../core/timeout';
import { connectEngine } from '../engine/connect';
import { valueOf, type Engine } from '../engine/engine';
import type { RemovableKind } from '../engine/removable-kind';
import { createMarker } from '../resources/adoption';
import { cleanupOne } from '../resources/cleanup-one';
import type { Inspection } from '../resources/kind';
import { removables } from '../resources/removables';
import type { Item } from './close-items';
import { refusal } from './closed-error';
import type { ScopeItems } from './scope-items';
import type { OwnedTarget } from './owned-target';
import type { ScopeContext } from './scope-context';

interface Adopted {
  readonly kind: RemovableKind;
  readonly id: string;
}

/**
 * Has what others have created removed with `contents`; what comes too late is removed at once, and then refused.
 *
 * @throws EngineError when it is not there, or the engine cannot say.
 */
export async function adoptInto(
  contents: ScopeItems,
  adopted: Adopted,
  surroundings: ScopeContext,
  source: string | undefined,
): Promise<void> {
  const { kind, id } = adopted;
  const { cleanupTimeoutMs: timeoutMs, engineAddress: engine, scope } = surroundings;
  const what = `${kind} ${id}`;
  if (contents.isClosed)
    throw await refusal(scope, `adopt ${what}`, cleanupOne(kind, id, { engine, timeoutMs }));
  const adopting = adopt(adopted, surroundings, source);
  const limits = { what: `adopt ${what}`, timeoutMs };
  const item: Item = { type: 'thing', thing: { what, source, target: () => withTimeout(adopting, limits) } };
  contents.add(item);
  try {
    await adopting;
  } catch (error) {
    contents.drop(item);
    throw error;
  }
}

/** Looks at it, and notes it in the registry as what it is for good: its name may come to stand for something else. */
async function adopt(
  { kind, id: given }: Adopted,
  surroundings: ScopeContext,
  source: string | undefined,
): Promise<OwnedTarget> {
  const { registry, owner, engineAddress } = surroundings;
  const engine = await connectEngine(engineAddress);
  const seen = valueOf(await removables[kind].inspect(engine, given));
  if (seen.isPartialMatch) {
    throw new CastoffError(
      'ENGINE_REFUSED',
      `adopt ${kind} ${given}: nothing is called so, though the id of another begins with it; give the full name or id`,
    );
  }
  const ownership = surroundings.labels(randomBytes(8).toString('hex'), source);
  const { [labelNames.session]: session } = seen.labels;
  // One without labels may be in the journal of another session, which this process may not see.
  const isOfAnother = session !== ownership[labelNames.session];
  if (isOfAnother) await surroundings.ready?.();
  const { id, name, identity, marker } = isOfAnother
    ? await markAndLookAgain(engine, { kind, id: seen.id }, ownership)
    : { ...seen, marker: undefined };
  const { key } = registry.adopt(kind, owner(source), { id, name, identity, engine: engine.address });
  return { kind, id, name, identity, key, marker, engine: engine.address };
}

/** A sweep that did not see the marker may have removed the resource meanwhile: only the look after the marker counts. */
async function markAndLookAgain(
  engine: Engine,
  adopted: Adopted,
  ownership: Readonly<Record<string, string>>,
): Promise<Inspection & { readonly marker: string }> {
  const marker = await createMarker(engine, adopted, ownership);
  try {
    return { ...valueOf(await removables[adopted.kind].inspect(engine, adopted.id)), marker };
  } catch (cause) {
    const [end] = await Promise.allSettled([cleanupOne('volume', marker, { engine: engine.address })]);
    if (end.status === 'fulfilled') throw cause;
    throw new CastoffError(
      'CLEANUP_FAILED',
      `adopt ${adopted.kind} ${adopted.id}: ${messageOf(cause)}; its marker is left: ${messageOf(end.reason)}`,
      { cause, errors: [cause, end.reason] },
    );
  }
}
