import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(__dirname, '../..');

/** A file of lib as plain Node can require it, until it is disposed of. */
export interface Bundle extends AsyncDisposable {
  readonly path: string;
}

/** Bundles `lib/<file>` as it is now; what the build left is that of another day. */
export async function bundleForNode(file: string): Promise<Bundle> {
  // Inside the project, where `require('dockerode')` leads to what is installed.
  const parent = join(root, 'node_modules/.cache');
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, 'castoff-spec-'));
  const path = join(folder, 'bundle.cjs');
  const outside = ['--external=dockerode', '--external=testcontainers'];
  const options = ['--format=cjs', '--platform=node', '--no-code-splitting', ...outside, `--file=${path}`];
  await run(join(root, 'node_modules/.bin/rolldown'), [join(root, 'lib', file), ...options], { cwd: root });
  return { path, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}
