import { labelNames } from '../core/labels';
import { isAnonymousName } from '../engine/anonymous-volumes';
import { mapAnswer, type Engine } from '../engine/engine';
import { inspectVolume, removeVolume, type VolumeFacts } from '../engine/volume-calls';
import { hasStableCreatedAt, readVolumeHistory } from '../engine/volume-history';
import type { Removable, Sameness } from './kind';

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
 * A volume has no id: its labels and the engine's own words for its creation tell it from a later one of the same name. They are in whole
 * seconds: a volume that is re-created in the second of the first one, with the same labels, is not told apart; the nonce does that for
 * what castoff created.
 */
function identityOf({ createdAt = '', labels }: VolumeFacts): string {
  return `${createdAt} ${JSON.stringify(labels, Object.keys(labels).toSorted())}`;
}

async function compareVolumes(engine: Engine, name: string, before: string, now: string): Promise<Sameness> {
  const [then, current] = [parseIdentity(before), parseIdentity(now)];
  if (then.labels !== current.labels) return 'another';
  if (await hasStableCreatedAt(engine)) return 'another';
  // The time is that of the last change of its content: the same volume may have another one.
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
