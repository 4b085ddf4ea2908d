import { CastoffError } from './errors';

/** The names of all options of a function; the compiler holds it to the interface. */
export type OptionNames<Options> = { readonly [Name in keyof Required<Options>]: true };

/**
 * Refuses an option that does not exist: ignored, a misspelt one would do nothing.
 *
 * @param what - The function: `scope.start`.
 * @throws CastoffError `CONFIG_INVALID` naming the option and all that there are.
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
    throw new CastoffError('CONFIG_INVALID', `${what}: there is no option ${name}; there are ${known}`);
  }
}
