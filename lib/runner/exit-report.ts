import { formatDuration } from '../core/durations';
import { print } from '../core/print';
import type { HandleWatch } from '../diagnosis/handle-watch';
import type { RunSettings } from '../session/run-client';
import { formatHandleTable } from '../verdict/handle-table';
import { withAge } from './report-handles';

/**
 * Prints what holds this process, which has not exited some time after the run, and ends it if `exit` is
 * `force`. Prints nothing if `handles` knows nothing: another program may have run the tests.
 */
export function reportExit(
  handles: HandleWatch | undefined,
  { exit, exitDelayMs }: Pick<RunSettings, 'exit' | 'exitDelayMs'>,
): void {
  const open = handles?.list().filter(({ source }) => source !== undefined) ?? [];
  handles?.stop();
  const what = `the process has not exited ${formatDuration(exitDelayMs)} after the run`;
  if (open.length > 0) {
    const rows = open.map((handle) => withAge(handle));
    print(`${what}; it is held by:`);
    process.stderr.write(`\n${formatHandleTable(rows, { columns: undefined, hasColour: false })}\n`);
  }
  if (exit !== 'force') return;
  print(`${what}; castoff ends it, because the option exit is force`);
  process.exit();
}
