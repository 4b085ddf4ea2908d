import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { hasNewerReaper } from '../../lib/reaper/daemon/newer-reaper';
import { removeLeftovers } from '../support/leftovers';
import { sleeper, specImage } from '../support/spec-image';
import { docker, specLabel, uniqueName } from '../support/things';

afterAll(() => removeLeftovers());

/** A container with the labels of the session's reaper, created at that second. */
async function reaperOf(session: string, second: number): Promise<string> {
  const Labels = { ...specLabel, ...labelsOf(session, second) };
  const HostConfig = { NetworkMode: 'none' };
  return (await docker.createContainer({ Image: specImage, Cmd: sleeper, Labels, HostConfig })).id;
}

async function startedReaperOf(session: string, second: number): Promise<string> {
  const id = await reaperOf(session, second);
  await docker.getContainer(id).start();
  return id;
}

function labelsOf(session: string, second: number) {
  const created = new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
  return { 'castoff.reaper': 'true', 'castoff.session': session, 'castoff.created': created };
}

async function ask(id: string, heldForMs = 300, startTimeoutMs = 30_000): Promise<boolean> {
  return hasNewerReaper(await connectEngine(), {
    signal: new AbortController().signal,
    ownId: id.slice(0, 12),
    heldForMs,
    startTimeoutMs,
  });
}

describe('a reaper whose client may have moved to another', () => {
  // Its own container need not run.
  let older: string;
  let newer: string;
  beforeAll(async () => {
    const session = uniqueName();
    older = await reaperOf(session, 1);
    newer = await startedReaperOf(session, 2);
  });

  it('leaves the claims to a newer reaper of its session that keeps running', async () => {
    expect(await ask(older)).toBe(true);
    expect(await ask(newer)).toBe(false);
  });

  it('keeps the claims when only other sessions have newer reapers', async () => {
    expect(await ask(await reaperOf(uniqueName(), 1))).toBe(false);
  });

  it('keeps the claims when it runs outside a container', async () => {
    expect(await ask('no-container')).toBe(false);
  });

  it('keeps the claims when the newer reaper exits again, without a client', async () => {
    const session = uniqueName();
    const [left, exited] = [await reaperOf(session, 1), await startedReaperOf(session, 2)];
    const asking = ask(left, 30_000);
    await docker.getContainer(exited).remove({ force: true });
    expect(await asking).toBe(false);
  });

  it('leaves the claims to a newer reaper that starts in time, and keeps them if it never starts', async () => {
    const session = uniqueName();
    const [left, created] = [await reaperOf(session, 1), await reaperOf(session, 2)];
    expect(await ask(left, 300, 1_000)).toBe(false);
    const asking = ask(left);
    await docker.getContainer(created).start();
    expect(await asking).toBe(true);
  });
});
