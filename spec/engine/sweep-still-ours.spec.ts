import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import type { Unfinished } from '../../lib/registry/unfinished';
import { isStillOurs } from '../../lib/sweep/still-ours';
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
  const isOurs = async (only?: readonly string[]): Promise<boolean> => {
    const at = new Date().toISOString();
    const note: Unfinished = {
      fact: 'registered',
      key: 'k',
      kind: 'compose-project',
      name,
      owner: { scope: 's' },
      at,
      present: only && { fact: 'present', key: 'k', id: name, only, at },
    };
    return isStillOurs(await connectEngine(), note, name);
  };

  it('is still its own while a part is there that it had', async () => {
    const part = await addPart();
    await addPart();
    expect(await isOurs(['container gone', `container ${part}`])).toBe(true);
  });

  it('is somebody else’s when none of its parts is there', async () => {
    await addPart();
    expect(await isOurs([`container ${'f'.repeat(64)}`])).toBe(false);
    expect(await isOurs([])).toBe(false);
  });

  it('that was never seen to be up is its own under a name that was drawn, and else not', async () => {
    await addPart();
    expect(await isOurs()).toBe(false);
    name = `testcontainers-${name.slice(-12)}`;
    await addPart();
    expect(await isOurs()).toBe(true);
  });

  it('of which nothing is there needs no removal', async () => {
    expect(await isOurs(['container gone'])).toBe(false);
  });
});
