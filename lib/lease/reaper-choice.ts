import { CastoffError } from '../core/errors';

/**
 * How a session's reaper is run.
 *
 * - `container`: from the image `castoff/reaper:<version>`, which is built where it is missing
 * - `process`: as a process of this machine, which all sessions of the user on that engine share
 * - `auto`: as a container where the image is on the engine already, else as a process; with neither, a warning
 * - `off`: not at all: what a crash leaves stays until the next sweep
 */
export type ReaperChoice = 'auto' | 'container' | 'process' | 'off';

const modes: readonly ReaperChoice[] = ['auto', 'container', 'process', 'off'];

/**
 * What the option says, or else `CASTOFF_REAPER`, or else `auto`.
 *
 * @throws CastoffError `CONFIG_INVALID` for any other word.
 */
export function chooseReaper(option: string | undefined, environment: string | undefined): ReaperChoice {
  if (option !== undefined) return parse('reaper option', option);
  return environment === undefined || environment === '' ? 'auto' : parse('CASTOFF_REAPER', environment);
}

function parse(from: string, text: string): ReaperChoice {
  const mode = modes.find((one) => one === text);
  if (mode !== undefined) return mode;
  throw new CastoffError(
    'CONFIG_INVALID',
    `${from}: got ${JSON.stringify(text)}; give one of ${modes.join(', ')}`,
  );
}
