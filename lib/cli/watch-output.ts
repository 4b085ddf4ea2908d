import { print } from '../core/print';

/**
 * Lets a command end well when its reader has gone: `| head -1` is no failure; where it cannot be written, as on
 * a full disk, that is said once and the exit code is 1.
 */
export function watchOutput(): void {
  let hasReported = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || hasReported) return;
    hasReported = true;
    process.exitCode = 1;
    print(`write the output: ${error.message}`);
  });
  // Nothing is left to say it on.
  process.stderr.on('error', () => undefined);
}
