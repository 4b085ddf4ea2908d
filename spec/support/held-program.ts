import { execFile } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { promisify } from 'node:util';
import { imagePaths } from '../../lib/lease/image-recipe';
import { shippedReaper } from './reaper-program';
import { until } from './until';

const run = promisify(execFile);
const patienceMs = 20_000;

/** Stands in a reaper's container where its program is: Node comes up no further than to read it, until it is released. */
export interface HeldProgram extends AsyncDisposable {
  /** As `docker run -v` has it. */
  readonly bind: string;
  /** Waits until Node wants to read its program. */
  untilAsked(): Promise<void>;
  /** Lets Node have it. */
  release(): Promise<void>;
}

export async function holdProgram(): Promise<HeldProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-held-program-'));
  const path = join(folder, 'program.js');
  await run('mkfifo', [path]);
  let pipe: Socket | undefined;
  const isAsked = (): boolean => {
    const fd = openForReader(path);
    if (fd !== undefined) pipe = new Socket({ fd, readable: false, writable: true });
    return fd !== undefined;
  };
  return {
    bind: `${path}:${imagePaths.program}`,
    async untilAsked() {
      if (!(await until(isAsked, patienceMs))) throw new Error(`nobody reads ${path}`);
    },
    async release() {
      if (pipe === undefined) throw new Error(`release ${path}: it has not been asked for`);
      pipe.end(await readFile(shippedReaper.path));
      await finished(pipe, { readable: false });
    },
    async [Symbol.asyncDispose]() {
      pipe?.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A pipe that nobody has opened to read from refuses whoever comes to write and does not want to wait. */
function openForReader(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return undefined;
    throw error;
  }
}
