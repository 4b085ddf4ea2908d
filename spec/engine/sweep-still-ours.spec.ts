import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import type { Unfinished } from '../../lib/registry/unfinished';
import { isStillOurs } from '../../lib/session/still-ours';
import { removeLeftovers } from '../support/leftovers';
import { createLabelled } from '../support/owned-things';
import { docker, uniqueName } from '../support/things';

describe('a Compose project that a dead session’s journal names', () => {
  let name: string;
  beforeEach(() => {
    name = uniqueName();
  });
  afterEach(() => removeLeftovers());

  const addPart = (): Promise<string> => createLabelled(docker, { 'com.docker.compose.project': name });
  const before = (ms: number): string => new Date(Date.now() - ms).toISOString();
  const isOurs = async (present?: { readonly at: string }): Promise<boolean> => {
    const note: Unfinished = {
      fact: 'registered',
      key: 'k',
      kind: 'compose-project',
      name,
      owner: { scope: 's' },
      at: before(7_200_000),
      present: present && { fact: 'present', key: 'k', id: name, at: present.at },
    };
    return isStillOurs(await connectEngine(), note, name);
  };

  it('is still its own while nothing of it is newer than it was', async () => {
    await addPart();
    expect(await isOurs({ at: before(0) })).toBe(true);
  });

  it('is somebody else’s when a part came later', async () => {
    await addPart();
    expect(await isOurs({ at: before(3_600_000) })).toBe(false);
  });

  it('that was never seen to be up is its own under a name that was drawn, and else not', async () => {
    await addPart();
    expect(await isOurs()).toBe(false);
    name = `testcontainers-${name.slice(-12)}`;
    await addPart();
    expect(await isOurs()).toBe(true);
  });

  it('of which nothing is there needs no removal', async () => {
    expect(await isOurs({ at: before(0) })).toBe(false);
  });
});
