import { processWide } from '../core/global-state';
import type { HandleWatch } from '../diagnosis/handle-watch';
import type { RunSettings } from '../session/run-client';
import { loadLate } from './load-late';

interface ExitWatch {
  timer?: NodeJS.Timeout | undefined;
}

const exitWatch = (): ExitWatch => processWide('exit watch', (): ExitWatch => ({}));

/**
 * Prints what holds this process if it has not exited some time after the run, and ends it if `exit` is
 * `force`.
 */
export function watchExit(handles: HandleWatch | undefined, settings: RunSettings): void {
  cancelExitWatch();
  const onTime = (): void => loadLate.exitReport().reportExit(handles, settings);
  // Does not hold the process itself.
  exitWatch().timer = setTimeout(onTime, settings.exitDelayMs).unref();
}

/** Cancels the watch of an earlier run in this process. */
export function cancelExitWatch(): void {
  const watch = exitWatch();
  clearTimeout(watch.timer);
  watch.timer = undefined;
}
