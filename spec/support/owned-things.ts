import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type Docker from 'dockerode';
import { creationLabels, labelNames, ownershipLabels, type Owner } from '../../lib/core/labels';
import { readOwner } from '../../lib/processes/owner';
import { nonceComment } from '../../lib/resources/ownership';
import { specImage } from './spec-image';
import { specLabel } from './things';

/** A session's id that nobody has. */
export function someSession(): string {
  return randomBytes(6).toString('hex');
}

/** A process of this boot that has ended. */
export function deadOwner(): Owner {
  return { ...readOwner(), pid: spawnSync('true').pid, pidStart: '1' };
}

/** The labels of what `owner` creates in `session`. */
export function labelsOf(session: string, owner: Owner): Record<string, string> {
  return { ...specLabel, ...ownershipLabels({ session, owner, createdAt: new Date() }) };
}

/** Creates a container with just these labels, and does not start it. */
export async function createLabelled(docker: Docker, labels: Record<string, string>): Promise<string> {
  const container = await docker.createContainer({
    Image: specImage,
    Cmd: ['sleep', '600'],
    Labels: { ...specLabel, ...labels },
  });
  return container.id;
}

/** Commits a container as castoff has raw code do it: the image is a creation of its own. Resolves to its id. */
export async function commitOwned(
  docker: Docker,
  container: string,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<string> {
  const own = { ...labels, ...creationLabels('image') };
  const { Id }: { Id: string } = await docker.getContainer(container).commit({
    repo: name,
    tag: '1',
    changes: `LABEL ${Object.entries(own)
      .map(([key, value]) => `${key}="${value}"`)
      .join(' ')}`,
    comment: nonceComment(own[labelNames.nonce] ?? ''),
  });
  return Id;
}
