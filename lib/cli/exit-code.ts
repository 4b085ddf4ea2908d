import { isCastoffError } from '../core/errors';

/** What every command says of its exit code. */
export const exitCodesHelp = `
Exit codes:
  0  done
  1  something failed, or could not be removed
  2  bad usage, or a setting that cannot be used`;

/** The exit code of a command that ended with `error`. */
export function exitCodeOf(error: unknown): number {
  return isCastoffError(error, 'CONFIG_INVALID') ? 2 : 1;
}
