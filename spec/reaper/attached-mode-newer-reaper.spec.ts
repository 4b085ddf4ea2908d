import { afterAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { hasNewerReaper } from '../../lib/reaper/newer-reaper';
import { removeLeftovers } from '../support/leftovers';
import { specImage } from '../support/spec-image';
import { createRunningContainer, docker, specLabel, uniqueName } from '../support/things';

afterAll(() => removeLeftovers());

/** A container that looks like the reaper of a session, started at that second. */
function reaperOf(session: string, second: number): Promise<string> {
  return createRunningContainer({ Labels: labelsOf(session, second) });
}

/** The same, which has not been started. */
async function createdReaperOf(session: string, second: number): Promise<string> {
  const Labels = { ...specLabel, ...labelsOf(session, second) };
  return (await docker.createContainer({ Image: specImage, Cmd: ['sleep', '600'], Labels })).id;
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
  it('leaves the claims to a newer one of its session that lives on', async () => {
    const session = uniqueName();
    const [older, newer] = [await reaperOf(session, 1), await reaperOf(session, 2)];
    expect(await ask(older)).toBe(true);
    expect(await ask(newer)).toBe(false);
  });

  it('keeps them when the newer one goes away again: nobody held it', async () => {
    const session = uniqueName();
    const [older, newer] = [await reaperOf(session, 1), await reaperOf(session, 2)];
    const asking = ask(older, 30_000);
    await docker.getContainer(newer).remove({ force: true });
    expect(await asking).toBe(false);
  });

  it('keeps them when the newer one was created and never starts', async () => {
    const session = uniqueName();
    const older = await reaperOf(session, 1);
    await createdReaperOf(session, 2);
    expect(await ask(older, 300, 1_000)).toBe(false);
  });

  it('leaves them to a newer one that starts in time', async () => {
    const session = uniqueName();
    const older = await reaperOf(session, 1);
    const newer = await createdReaperOf(session, 2);
    const asking = ask(older);
    await docker.getContainer(newer).start();
    expect(await asking).toBe(true);
  });

  it('keeps them whatever other sessions have', async () => {
    const older = await reaperOf(uniqueName(), 1);
    await reaperOf(uniqueName(), 2);
    expect(await ask(older)).toBe(false);
  });

  it('keeps them where it runs in no container', async () => {
    await reaperOf(uniqueName(), 2);
    expect(await ask('no-container')).toBe(false);
  });
});
