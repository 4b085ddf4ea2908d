import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CastoffError } from '../core/errors';

const run = promisify(execFile);

/**
 * Lists the shared libraries of this Node, including the loader, from a diagnostic report: `ldd` is not on
 * every machine. The report is of a new process, because this one may have loaded more.
 *
 * @throws CastoffError `CONFIG_INVALID` when this Node is not a Linux program.
 */
export async function listNodeLibraries(): Promise<readonly string[]> {
  if (process.platform !== 'linux')
    throw new CastoffError(
      'CONFIG_INVALID',
      `build the reaper's image from this Node: it runs on ${process.platform}, and a container needs one for linux; build on an image with Node: castoff reaper image --base node:24-alpine`,
    );
  const report = 'process.report.excludeNetwork = true; process.report.excludeEnv = true;';
  const script = `${report} JSON.stringify(process.report.getReport().sharedObjects)`;
  const { stdout } = await run(process.execPath, ['--print', script], {
    env: { ...process.env, NODE_OPTIONS: undefined },
  });
  return librariesAmong(JSON.parse(stdout) as readonly string[]);
}

/** `linux-vdso.so.1` comes from the kernel and is no file. */
function librariesAmong(sharedObjects: readonly string[]): readonly string[] {
  return sharedObjects.filter((path) => path.startsWith('/') && path !== process.execPath);
}
