import { CastoffError } from './errors';

/** The names of all options of a function, which the compiler checks against the interface. */
export type OptionNames<Options> = { readonly [Name in keyof Required<Options>]: true };

/**
 * Rejects unknown options, so that a misspelt one is not ignored.
 *
 * @param what - The function, for the error: `scope.start`.
 * @throws CastoffError `CONFIG_INVALID` when `options` is not an object or has an unknown option; lists the
 *   known ones.
 */
export function checkOptionNames<Options extends object>(
  what: string,
  options: Options,
  names: OptionNames<Options>,
): void {
  if (typeof options !== 'object' || options === null)
    throw new CastoffError('CONFIG_INVALID', `${what}: got ${String(options)}; give an object of options`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const known = Object.keys(names).join(', ');
    throw new CastoffError('CONFIG_INVALID', `${what}: unknown option ${name}; known options are ${known}`);
  }
}
