import { isCastoffError } from '../core/errors';

/** Help text on exit codes, for every command. */
export const exitCodesHelp = `
Exit codes:
  0  done
  1  something failed, or could not be removed
  2  bad usage, or an invalid setting`;

/** Returns the exit code of a command that failed with `error`. */
export function exitCodeOf(error: unknown): number {
  return isCastoffError(error, 'CONFIG_INVALID') ? 2 : 1;
}
