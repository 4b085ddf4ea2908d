import { mkdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

const maxAgeMs = 60 * 60_000;

/**
 * The folder in which the processes of nested runs share V8's code cache: each loads the same hundreds of files of Jest. It starts anew
 * each hour, because the copies of castoff that are gone have entries too.
 */
export function compileCacheFolder(): string {
  const folder = join(tmpdir(), `castoff-spec-compile-cache-${userInfo().uid}`);
  const { birthtimeMs = Date.now() } = statSync(folder, { throwIfNoEntry: false }) ?? {};
  if (Date.now() - birthtimeMs > maxAgeMs) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  mkdirSync(folder, { recursive: true });
  return folder;
}
