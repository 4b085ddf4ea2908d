import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

type ComposeClient = { readonly executable?: { standalone: true } };

let found: Promise<ComposeClient> | undefined;

/** How testcontainers can call Compose here: as the plugin of `docker`, its default, or as the stand-alone command. */
export function composeClient(): Promise<ComposeClient> {
  return (found ??= findClient());
}

async function findClient(): Promise<ComposeClient> {
  try {
    await run('docker', ['compose', 'version']);
    return {};
  } catch {
    // The docker command knows no `compose`: docker/tools.sh sees to it that the stand-alone one is there.
    return { executable: { standalone: true } };
  }
}

/** A start with these options fails at once: there is no such command. */
export const missingComposeClient = {
  executable: { standalone: true, executablePath: '/no/such/docker-compose' },
} as const;
