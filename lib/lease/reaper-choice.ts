import { readVariable, type Environment } from '../core/environment';
import { readFileSync } from 'node:fs';
import { CastoffError, messageOf } from '../core/errors';
import { addressForms, checkReaperAddress, type ReaperAddress } from './reaper-address';

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
 * Resolves the choice of a reaper: the option, then `CASTOFF_REAPER`, then `auto`. The variable may be an address,
 * whose token comes from `CASTOFF_REAPER_TOKEN` or from the file that `CASTOFF_REAPER_TOKEN_FILE` names.
 *
 * @throws CastoffError `CONFIG_INVALID` for any other value, and when the file cannot be read.
 */
export function chooseReaper(
  option?: string | ReaperAddress,
  environment?: Environment,
): ReaperChoice | ReaperAddress {
  if (typeof option === 'object' && option !== null) return checkReaperAddress(option);
  if (option !== undefined) return parse('reaper option', option);
  const variable = readVariable('CASTOFF_REAPER', environment);
  if (variable === undefined) return 'auto';
  if (/^(?:tcp|unix):\/\//.test(variable))
    return checkReaperAddress({ address: variable, token: readToken(environment) }, 'CASTOFF_REAPER');
  return parse('CASTOFF_REAPER', variable, `, or the address of a reaper: ${addressForms}`);
}

function readToken(environment?: Environment): string | undefined {
  const token = readVariable('CASTOFF_REAPER_TOKEN', environment);
  const file = readVariable('CASTOFF_REAPER_TOKEN_FILE', environment);
  if (file === undefined || token !== undefined) return token;
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const message = `CASTOFF_REAPER_TOKEN_FILE: read ${file}: ${messageOf(cause)}`;
    throw new CastoffError('CONFIG_INVALID', message, { cause });
  }
}

function parse(from: string, text: string, orElse = ''): ReaperChoice {
  const choice = choices.find((one) => one === text);
  if (choice !== undefined) return choice;
  throw new CastoffError(
    'CONFIG_INVALID',
    `${from}: got ${JSON.stringify(text)}; give one of ${choices.join(', ')}${orElse}`,
  );
}
