import { readVariable } from '../core/environment';
import { resolveSettings } from '../runner/options';
import type { RunSettings } from '../session/run-client';

/** The options of `castoff run`. */
export interface CommandRunOptions {
  /** Effect of what is left when the command has ended. Default: `CASTOFF_LEAKS`, otherwise `warn`. */
  readonly leaks?: RunSettings['leaks'] | undefined;
  /** Whether to keep what a failed command leaves, for an hour. Default false. */
  readonly keepFailed?: boolean | undefined;
  /** The file for the report as JSON. Default: none. */
  readonly report?: string | undefined;
  /** What happens to the images that the command builds. Default `keep`. */
  readonly images?: 'keep' | 'remove' | undefined;
  /** Whether to refuse the removal of what the command did not create. Default false. */
  readonly guard?: boolean | undefined;
  /** Whether the command's Testcontainers start no reaper of their own. Default false. */
  readonly disableRyuk?: boolean | undefined;
}

/**
 * Returns the settings of the run. Leaks are a warning by default: castoff removes what the command left, which is
 * what it was called for, and the command keeps its exit code.
 *
 * @throws CastoffError `CONFIG_INVALID` for an invalid variable.
 */
export function settingsOf({ leaks, keepFailed = false }: CommandRunOptions): RunSettings {
  const isSet = readVariable('CASTOFF_LEAKS') !== undefined;
  const given = resolveSettings(
    { leaks: leaks ?? (isSet ? undefined : 'warn'), handles: 'off', cleanup: 'wait' },
    process.env,
  );
  // CASTOFF_KEEP and CASTOFF_REPORT_FILE are for the test runner in the command.
  return { ...given, keep: keepFailed ? 'failed' : 'none', reportFile: undefined };
}
