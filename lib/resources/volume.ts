import { labelNames } from '../core/labels';
import { isAnonymousName } from '../engine/anonymous-volumes';
import { mapAnswer, type Engine } from '../engine/engine';
import { inspectVolume, removeVolume, type VolumeFacts } from '../engine/volume-calls';
import { hasStableCreatedAt, readVolumeHistory } from '../engine/volume-history';
import type { Removable, Sameness } from './kind';

/** Inspects and removes volumes. */
export const volume: Removable = {
  kind: 'volume',
  isImmutableId: () => false,
  inspect: async (engine, name) =>
    mapAnswer(await inspectVolume(engine, name), (facts) => ({
      id: facts.name,
      labels: facts.labels,
      createdAt: facts.createdAt,
      identity: identityOf(facts),
    })),
  compare: compareVolumes,
  remove: removeVolume,
  advice: 'remove the containers that mount it (`docker ps --all --filter volume=…`) first',
};

/**
 * A volume has no id: its labels and its `CreatedAt` distinguish it from a later one with the same name.
 * `CreatedAt` has a resolution of one second: a volume recreated within that second with the same labels can
 * only be distinguished by castoff's nonce.
 */
function identityOf({ createdAt = '', labels }: VolumeFacts): string {
  return `${createdAt} ${JSON.stringify(labels, Object.keys(labels).toSorted())}`;
}

async function compareVolumes(engine: Engine, name: string, before: string, now: string): Promise<Sameness> {
  const [then, current] = [parseIdentity(before), parseIdentity(now)];
  if (then.labels !== current.labels) return 'another';
  // Only an interrupted removal leaves a volume without a creation time; one created since has one.
  if (current.createdAt === '') return 'same';
  if (await hasStableCreatedAt(engine)) return 'another';
  // `CreatedAt` changes with the volume's content, so the same volume may have another one.
  if (then.labels.includes(`"${labelNames.nonce}":`) || isAnonymousName(name)) return 'same';
  const sinceMs = Date.parse(then.createdAt);
  if (Number.isNaN(sinceMs)) return 'unclear';
  const history = await readVolumeHistory(engine, name, sinceMs);
  return history === 'same' ? 'same' : history === 'replaced' ? 'another' : 'unclear';
}

function parseIdentity(identity: string): { readonly createdAt: string; readonly labels: string } {
  const at = identity.indexOf(' ');
  return { createdAt: identity.slice(0, at), labels: identity.slice(at + 1) };
}
