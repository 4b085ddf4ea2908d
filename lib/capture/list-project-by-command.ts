import { execFileSync } from 'node:child_process';
import { composeProjectLabel } from '../core/labels';
import { identityOf } from '../engine/identity';
import type { RemovableKind } from '../core/kinds';
import type { CommandLine } from '../commands/launch';

const listTimeoutMs = 2_000;

/** @see docker and podman: `ps`, `network ls`, `volume ls`, `images` */
const listArgs: Readonly<Record<RemovableKind, readonly string[]>> = {
  container: ['ps', '--all', '--no-trunc', '--format', '{{.ID}}'],
  network: ['network', 'ls', '--no-trunc', '--format', '{{.ID}}'],
  volume: ['volume', 'ls', '--format', '{{.Name}}'],
  image: ['images', '--no-trunc', '--format', '{{.ID}}'],
};

/**
 * Lists the identities of a Compose project's parts; that of a volume has only its name. Blocks, by the same
 * command as the user's, which cannot wait for a request. @throws the error of the first list that fails
 */
export function listProjectByCommand({ file, env }: CommandLine, project: string): readonly string[] {
  const command = file.replace(/docker-compose(\.exe)?$/i, 'docker$1');
  return (Object.keys(listArgs) as RemovableKind[]).flatMap((kind) => {
    const printed = execFileSync(
      command,
      [...listArgs[kind], '--filter', `label=${composeProjectLabel}=${project}`],
      {
        env: { ...env },
        encoding: 'utf8',
        timeout: listTimeoutMs,
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    const ids = printed.split('\n').filter((id) => id !== '');
    return ids.map((id) => identityOf({ kind, id }));
  });
}
