import { print } from '../core/print';

/**
 * Handles errors of standard output. A closed pipe (`| head -1`) is ignored; other errors, such as a full
 * disk, are printed once and set the exit code to 1.
 */
export function watchOutput(): void {
  let hasReported = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || hasReported) return;
    hasReported = true;
    process.exitCode = 1;
    print(`write the output: ${error.message}`);
  });
  // Errors cannot be reported when stderr fails.
  process.stderr.on('error', () => undefined);
}
