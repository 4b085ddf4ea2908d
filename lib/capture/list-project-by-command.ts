import { execFileSync } from 'node:child_process';
import { composeProjectLabel } from '../core/labels';
import { identityOf } from '../engine/identity';
import type { RemovableKind } from '../engine/removable-kind';
import type { CommandLine } from './docker-command';

const listMs = 2_000;

/** @see docker, `ps`, `network ls`, `volume ls`, `images`; podman has the same */
const lists: Readonly<Record<RemovableKind, readonly string[]>> = {
  container: ['ps', '--all', '--no-trunc', '--format', '{{.ID}}'],
  network: ['network', 'ls', '--no-trunc', '--format', '{{.ID}}'],
  volume: ['volume', 'ls', '--format', '{{.Name}}'],
  image: ['images', '--no-trunc', '--format', '{{.ID}}'],
};

/**
 * The identities of everything that carries a Compose project's label, volumes by their names alone. It asks by the same command and blocks,
 * because a command that user code runs cannot wait for an answer.
 *
 * @throws the error of the first list that fails.
 */
export function listProjectByCommand({ file, env }: CommandLine, project: string): readonly string[] {
  const command = file.replace(/docker-compose(\.exe)?$/i, 'docker$1');
  return (Object.keys(lists) as RemovableKind[]).flatMap((kind) => {
    const printed = execFileSync(
      command,
      [...lists[kind], '--filter', `label=${composeProjectLabel}=${project}`],
      {
        env: { ...env },
        encoding: 'utf8',
        timeout: listMs,
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    const ids = printed.split('\n').filter((id) => id !== '');
    return ids.map((id) => identityOf({ kind, id }));
  });
}
