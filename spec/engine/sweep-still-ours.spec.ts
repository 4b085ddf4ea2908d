import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import type { RegistryEntry } from '../../lib/registry/entry';
import { isStillOurs } from '../../lib/sweep/still-ours';
import { removeLeftovers } from '../support/leftovers';
import { createLabelled } from '../support/owned-things';
import { docker, uniqueName } from '../support/things';

describe('isStillOurs, for a Compose project in a dead session’s journal', () => {
  let name: string;
  beforeEach(() => {
    name = uniqueName();
  });
  afterEach(() => removeLeftovers());

  const addPart = (): Promise<string> => createLabelled(docker, { 'com.docker.compose.project': name });
  const isOurs = async (only?: readonly string[]): Promise<boolean> => {
    const now = new Date();
    const entry: RegistryEntry = {
      key: 'k',
      kind: 'compose-project',
      name,
      owner: { scope: 's' },
      origin: 'scope',
      state: 'registered',
      registeredAt: now,
      since: now,
      bounds: only && { only },
    };
    return isStillOurs(await connectEngine(), entry, name);
  };

  it('holds for a project while one of its recorded resources exists', async () => {
    const part = await addPart();
    await addPart();
    expect(await isOurs(['container gone', `container ${part}`])).toBe(true);
  });

  it('does not hold for a project without any of its recorded resources', async () => {
    await addPart();
    expect(await isOurs([`container ${'f'.repeat(64)}`])).toBe(false);
    expect(await isOurs([])).toBe(false);
  });

  it('holds for a project without recorded resources only under a random name', async () => {
    await addPart();
    expect(await isOurs()).toBe(false);
    name = `testcontainers-${name.slice(-12)}`;
    await addPart();
    expect(await isOurs()).toBe(true);
  });

  it('does not hold for a project without resources', async () => {
    expect(await isOurs(['container gone'])).toBe(false);
  });
});
