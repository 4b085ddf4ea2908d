import { CastoffError } from '../core/errors';
import { connectEngine } from '../engine/connect';
import { valueOf } from '../engine/engine';
import type { RemovableKind } from '../engine/removable-kind';
import { removables } from '../resources/removables';
import type { OwnedTarget } from './start';
import type { Surroundings } from './surroundings';

/**
 * Looks at what others have created, and notes it in the registry as what it is for good: its name may come to stand for
 * something else.
 *
 * @throws EngineError when it is not there, or the engine cannot say.
 */
export async function adoptThing(
  thing: { readonly kind: RemovableKind; readonly id: string },
  surroundings: Surroundings,
  source: string | undefined,
): Promise<OwnedTarget> {
  const { registry, owner, engineAddress } = surroundings;
  const { kind } = thing;
  const engine = await connectEngine(engineAddress);
  const { id, name, identity, isGuess } = valueOf(await removables[kind].look(engine, thing.id));
  if (isGuess) {
    throw new CastoffError(
      'ENGINE_REFUSED',
      `adopt ${kind} ${thing.id}: nothing is called so, though the id of another begins with it; give the full name or id`,
    );
  }
  const { key } = registry.adopt(kind, owner(source), { id, name, identity, engine: engine.address });
  return { kind, id, name, key, engine: engine.address };
}
