import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CastoffError } from '../core/errors';

const run = promisify(execFile);

/**
 * The libraries that this Node runs with, the loader among them, by its own report: `ldd` is not on every machine, and every C
 * library has its own. Asked of a fresh Node: this one may have loaded more.
 *
 * @throws CastoffError `CONFIG_INVALID` where Node's program is not one for Linux.
 */
export async function librariesOfNode(): Promise<readonly string[]> {
  if (process.platform !== 'linux')
    throw new CastoffError(
      'CONFIG_INVALID',
      `build the reaper's image from this Node: it is a program for ${process.platform}, and a container needs one for linux; give an image that has Node: castoff reaper image --base node:24-alpine`,
    );
  const { NODE_OPTIONS: _, ...env } = process.env;
  const report = 'process.report.excludeNetwork = true; process.report.excludeEnv = true;';
  const script = `${report} JSON.stringify(process.report.getReport().sharedObjects)`;
  const { stdout } = await run(process.execPath, ['--print', script], { env });
  return librariesAmong(JSON.parse(stdout) as readonly string[]);
}

/** `linux-vdso.so.1` is the kernel's, and no file. */
function librariesAmong(sharedObjects: readonly string[]): readonly string[] {
  return sharedObjects.filter((path) => path.startsWith('/') && path !== process.execPath);
}
