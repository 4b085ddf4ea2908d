import { readVariable, type Environment } from '../core/environment';
import { CastoffError } from '../core/errors';
import { checkReaperAddress, type ReaperAddress } from './reaper-address';

/**
 * How a session runs its reaper.
 *
 * - `container`: from the image `castoff/reaper:<version>`, built if it is missing
 * - `process`: as a process on this machine, shared by all sessions of the user on that engine
 * - `auto`: as a container if the engine has the image, otherwise as a process; if neither starts, without
 *   one, with a warning
 * - `off`: no reaper; resources left by a crash stay until the next sweep
 */
export type ReaperChoice = 'auto' | 'container' | 'process' | 'off';

const choices: readonly ReaperChoice[] = ['auto', 'container', 'process', 'off'];

/**
 * Resolves the choice of a reaper: the option, then `CASTOFF_REAPER`, then `auto`.
 *
 * @throws CastoffError `CONFIG_INVALID` for any other value.
 */
export function chooseReaper(
  option?: string | ReaperAddress,
  environment?: Environment,
): ReaperChoice | ReaperAddress {
  if (typeof option === 'object' && option !== null) return checkReaperAddress(option);
  if (option !== undefined) return parse('reaper option', option);
  const variable = readVariable('CASTOFF_REAPER', environment);
  return variable === undefined ? 'auto' : parse('CASTOFF_REAPER', variable);
}

function parse(from: string, text: string): ReaperChoice {
  const choice = choices.find((one) => one === text);
  if (choice !== undefined) return choice;
  throw new CastoffError(
    'CONFIG_INVALID',
    `${from}: got ${JSON.stringify(text)}; give one of ${choices.join(', ')}`,
  );
}
