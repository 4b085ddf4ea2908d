import { CastoffError } from '../core/errors';
import { parseDuration } from '../core/go-duration';

/**
 * Returns the value of a flag with a duration, in milliseconds; `undefined` when it was not given.
 *
 * @throws CastoffError `CONFIG_INVALID` when it is no duration, or a negative one.
 */
export function parseFlagDuration(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new CastoffError(
    'CONFIG_INVALID',
    `${flag}: got ${JSON.stringify(text)}; give a duration such as 2d, 2h, 30m or 90s`,
  );
}
