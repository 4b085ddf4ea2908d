import { execFile } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { promisify } from 'node:util';
import { imagePaths } from '../../lib/lease/image-recipe';
import { built } from './built';
import { until } from './until';

const run = promisify(execFile);
const timeoutMs = 20_000;

/**
 * A pipe in place of a reaper's program in its container: Node blocks when it reads the program, until it is
 * released.
 */
export interface HeldProgram extends AsyncDisposable {
  /** The bind mount, in the syntax of `docker run -v`. */
  readonly bind: string;
  /** Waits until Node reads its program. */
  untilAsked(): Promise<void>;
  /** Writes the program to the pipe. */
  release(): Promise<void>;
}

/** Creates a pipe for a reaper's program. */
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
      if (!(await until(isAsked, timeoutMs))) throw new Error(`wait for a reader of ${path}: none`);
    },
    async release() {
      if (pipe === undefined) throw new Error(`release ${path}: it has no reader yet`);
      pipe.end(await readFile(built.reaper));
      await finished(pipe, { readable: false });
    },
    async [Symbol.asyncDispose]() {
      pipe?.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Opens a pipe for writing; returns `undefined` when it has no reader. */
function openForReader(path: string): number | undefined {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return undefined;
    throw error;
  }
}
