import { CastoffError } from '../core/errors';
import { processWide } from '../core/global-state';
import { heapKey } from './heap-key';

/** An object by a weak reference. A heap snapshot shows this class by its name. */
export class CastoffTracked {
  readonly ref: WeakRef<WeakKey>;
  /** For messages. */
  readonly label: string;
  /** Identifies it in a heap snapshot. */
  readonly key = heapKey();
  /** What the functions await that wait for the collection. */
  wait: Promise<void> | undefined;

  constructor(label: string, ref: WeakRef<WeakKey>) {
    this.label = label;
    this.ref = ref;
  }

  /** Reads the reference in a function of its own: a local variable would hold the object. */
  isCollected(): boolean {
    return this.ref.deref() === undefined;
  }
}

const tracked = (): Map<string, CastoffTracked> =>
  processWide('tracked objects', () => new Map<string, CastoffTracked>());

/**
 * Remembers `object` under a name for `expectCollected`, by a weak reference.
 *
 * A name may be used again when its object has been collected, or `expectCollected` has finished with it.
 *
 * @throws CastoffError `CONFIG_INVALID` for a name in use, an empty one, and for what cannot be collected:
 * primitive values and registered symbols.
 */
export function track(name: string, object: WeakKey): void {
  if (typeof name !== 'string' || name === '')
    throw new CastoffError('CONFIG_INVALID', `track: got ${describeValue(name)} as its name; give a text`);
  const known = tracked().get(name);
  if (known !== undefined && !known.isCollected())
    throw new CastoffError('CONFIG_INVALID', `track ${name}: another object has this name; choose a new one`);
  tracked().set(name, new CastoffTracked(name, weakRefTo(`track ${name}`, object)));
}

/**
 * Returns the object of a name, or of a weak reference.
 *
 * @throws CastoffError `CONFIG_INVALID` for a name that nothing is tracked under, and for another value.
 */
export function findTracked(nameOrRef: string | WeakRef<WeakKey>): CastoffTracked {
  if (typeof nameOrRef !== 'string') {
    if (isWeakRef(nameOrRef)) return new CastoffTracked('the object', nameOrRef);
    const got = describeValue(nameOrRef);
    throw new CastoffError('CONFIG_INVALID', `expectCollected: got ${got}; give a tracked name or a WeakRef`);
  }
  const found = tracked().get(nameOrRef);
  if (found !== undefined) return found;
  const names = [...tracked().keys()].join(', ');
  throw new CastoffError(
    'CONFIG_INVALID',
    `expectCollected ${nameOrRef}: nothing is tracked under this name; ${names === '' ? 'call track first' : `tracked: ${names}`}`,
  );
}

/** Forgets an object, whose name is then free. */
export function forgetTracked(object: CastoffTracked): void {
  if (tracked().get(object.label) === object) tracked().delete(object.label);
}

function weakRefTo(what: string, object: WeakKey): WeakRef<WeakKey> {
  try {
    return new WeakRef(object);
  } catch (cause) {
    const got = describeValue(object);
    throw new CastoffError(
      'CONFIG_INVALID',
      `${what}: got ${got}, which is never collected; give an object or a function`,
      { cause },
    );
  }
}

// No `instanceof`: it may come from another realm.
function isWeakRef(value: unknown): value is WeakRef<WeakKey> {
  return Object.prototype.toString.call(value) === '[object WeakRef]';
}

function describeValue(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : value === null ? 'null' : `a ${typeof value}`;
}
