import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Brings up Compose projects of one file, with the command of the machine. Disposing of it takes its file away. */
export interface ComposeFile extends AsyncDisposable {
  readonly folder: string;
  up(project: string, env?: Readonly<Record<string, string>>): Promise<void>;
  /** Without starting its containers. */
  create(project: string): Promise<void>;
}

/** @param content - The Compose file; JSON is YAML. */
export async function writeComposeFile(content: object): Promise<ComposeFile> {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-compose-'));
  const file = join(folder, 'docker-compose.yml');
  await writeFile(file, JSON.stringify(content));
  return {
    folder,
    async up(project, env) {
      await compose(['--file', file, '--project-name', project, 'up', '--detach'], env);
    },
    async create(project) {
      await compose(['--file', file, '--project-name', project, 'up', '--no-start']);
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

export async function compose(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const [command = '', ...first] = await composeCommand();
  await run(command, [...first, ...args], { env: { ...process.env, ...env } });
}

let found: Promise<readonly string[]> | undefined;

/** The words that call Compose here: docker/tools.sh sees to it that one of the two is there. */
export function composeCommand(): Promise<readonly string[]> {
  return (found ??= findCommand());
}

async function findCommand(): Promise<readonly string[]> {
  const hasPlugin = await run('docker', ['compose', 'version']).then(
    () => true,
    () => false, // The docker command knows no `compose`: the stand-alone one is there.
  );
  return hasPlugin ? ['docker', 'compose'] : ['docker-compose'];
}
