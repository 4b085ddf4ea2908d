import type { Owner } from '../core/labels';
import { shortId } from '../core/short-id';
import { inspectContainer, readUpperFolder } from '../engine/container-calls';
import type { Engine } from '../engine/engine';
import { readEngineId } from '../engine/engine-id';
import { readOwnContainerId, readOwnUpperFolder } from '../registry/own-container';
import { firstPidNamespace } from '../processes/owner-linux';
import { setOwnerContainer } from '../registry/session-identity';
import type { ProveOwner } from './session-proof';

/**
 * Records, in this process's owner, the container that it runs in, if `engine` runs that container. Once the
 * container has ended, clients of that engine can prove that the owner is dead.
 */
export async function locateOwner(engine: Engine): Promise<void> {
  const [id, upper] = [readOwnContainerId(), readOwnUpperFolder()];
  if (id === undefined || upper === undefined) return;
  const answer = await readUpperFolder(engine, id);
  if (answer.meaning !== 'done') return;
  // The same storage proves the same container and engine. With long mount options, Docker mounts by a
  // relative path.
  if (answer.value === upper || answer.value?.endsWith(`/${upper}`) === true)
    setOwnerContainer(`${id}@${await readEngineId(engine)}`);
}

/**
 * Finds which of the containers that `owners` ran in have ended, if `engine` ran them. Resolves to the
 * reasons by {@link Owner.container}.
 */
export async function findEndedContainers(
  engine: Engine,
  owners: readonly Owner[],
): Promise<ReadonlyMap<string, string>> {
  const named = new Set(owners.flatMap(({ container }) => container ?? []));
  const ended = new Map<string, string>();
  if (named.size === 0) return ended;
  const engineId = await readEngineId(engine);
  for (const container of named) {
    const [id = '', ...rest] = container.split('@');
    if (rest.join('@') !== engineId) continue;
    const answer = await inspectContainer(engine, id);
    const state = answer.meaning === 'done' ? answer.value.status : answer.meaning;
    if (state === 'gone' || state === 'exited' || state === 'dead')
      ended.set(container, `its container ${shortId(id)} is ${state}`);
  }
  return ended;
}

/**
 * Extends `prove` with proof by container, for a session's owners that cannot be seen from here. Other
 * processes in the same pid namespace ended with the container. The machine's own namespace proves nothing,
 * since its processes may outlive a container.
 */
export function proveByContainers(
  prove: ProveOwner,
  owners: readonly Owner[],
  ended: ReadonlyMap<string, string>,
): ProveOwner {
  const reasons = new Map<string, string>();
  for (const owner of owners) {
    const reason = ended.get(owner.container ?? '');
    if (reason !== undefined) reasons.set(namespaceOf(owner), reason);
  }
  return (owner, lastActiveMs) => {
    const proof = prove(owner, lastActiveMs);
    const { container, pidNamespace } = owner;
    if (proof.state !== 'unknown' || proof.isElsewhere !== true) return proof;
    if (pidNamespace === undefined || pidNamespace === firstPidNamespace) return proof;
    const reason = container === undefined ? reasons.get(namespaceOf(owner)) : ended.get(container);
    return reason === undefined ? proof : { state: 'dead', proof: reason };
  };
}

function namespaceOf({ host, boot, pidNamespace }: Owner): string {
  return JSON.stringify([host, boot, pidNamespace]);
}
