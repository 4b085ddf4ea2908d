/** The output of castoff without the line that it prints when a close takes longer than a second, as on a busy machine. */
export function withoutWaiting(stderr: string): string {
  return stderr.replaceAll(/^castoff: waiting for .*\n/gm, '');
}
