import { afterEach, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { connectEngine } from '../../lib/engine/connect';
import { sessionIdentity } from '../../lib/registry/session-identity';
import { cleanupLeftovers } from '../../lib/run/remove-leftovers';
import { removeLeftovers } from '../support/leftovers';
import { stageOfFile } from '../support/capture-stage';
import { docker, exists, specLabel, uniqueName } from '../support/things';

const stage = stageOfFile();

afterEach(() => removeLeftovers());

const removeEntries = async () =>
  cleanupLeftovers(
    await connectEngine(),
    {
      labels: [`castoff.session=${sessionIdentity().id}`],
      entries: stage.entries(),
      kept: new Set(),
      recorded: [],
    },
    new AbortController().signal,
  );

describe('volumes created by name', () => {
  it('keeps a volume that existed before the code created it', async () => {
    const name = uniqueName();
    stage.attributeTo(undefined);
    await docker.createVolume({ Name: name, Labels: specLabel });
    stage.attributeTo({ scope: 'run' });
    await new Docker().createVolume({ Name: name });
    expect(stage.entries().at(-1)).toMatchObject({ kind: 'volume', id: name, state: 'present' });
    expect((await removeEntries()).errors).toEqual([]);
    expect(await exists('volume', name)).toBe(true);
  });

  it('removes a volume that the code created', async () => {
    const name = uniqueName();
    stage.attributeTo({ scope: 'run' });
    await new Docker().createVolume({ Name: name, Labels: specLabel });
    expect((await removeEntries()).errors).toEqual([]);
    expect(await exists('volume', name)).toBe(false);
  });
});
