import { CastoffError } from '../core/errors';
import { waitAtMost } from '../core/patience';
import { connectEngine } from '../engine/connect';
import { valueOf } from '../engine/engine';
import type { RemovableKind } from '../engine/removable-kind';
import { cleanupOne } from '../resources/cleanup-one';
import { removables } from '../resources/removables';
import type { Item } from './close-items';
import { refusal } from './closed-error';
import type { Contents } from './contents';
import type { OwnedTarget } from './owned-target';
import type { Surroundings } from './surroundings';

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
  contents: Contents,
  adopted: Adopted,
  surroundings: Surroundings,
  source: string | undefined,
): Promise<void> {
  const { kind, id } = adopted;
  const { cleanupTimeoutMs: timeoutMs, engineAddress: engine, scope } = surroundings;
  const what = `${kind} ${id}`;
  if (contents.isClosed)
    throw await refusal(scope, `adopt ${what}`, cleanupOne(kind, id, { engine, timeoutMs }));
  const adopting = adopt(adopted, surroundings, source);
  const limits = { what: `adopt ${what}`, timeoutMs };
  const item: Item = { type: 'thing', thing: { what, source, target: () => waitAtMost(adopting, limits) } };
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
  { registry, owner, engineAddress }: Surroundings,
  source: string | undefined,
): Promise<OwnedTarget> {
  const engine = await connectEngine(engineAddress);
  const { id, name, identity, isGuess } = valueOf(await removables[kind].look(engine, given));
  if (isGuess) {
    throw new CastoffError(
      'ENGINE_REFUSED',
      `adopt ${kind} ${given}: nothing is called so, though the id of another begins with it; give the full name or id`,
    );
  }
  const { key } = registry.adopt(kind, owner(source), { id, name, identity, engine: engine.address });
  return { kind, id, name, identity, key, engine: engine.address };
}
