import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { listOwned } from '../../lib/cli/ls';
import { labelNames, type Owner } from '../../lib/core/labels';
import { readOwner } from '../../lib/registry/owner';
import { removeLeftovers } from '../support/leftovers';
import { createLabelled, deadOwner, labelsOf, someSession } from '../support/owned-things';
import { runCastoff } from '../support/run-castoff';
import { createRunningContainer, docker } from '../support/things';

/** As `castoff ls --json` tells it. */
interface Row {
  readonly session: string;
  readonly state: string;
  readonly proof: string;
  readonly things: readonly { readonly id: string; readonly state: string }[];
}

describe('castoff ls', () => {
  let session: string;
  beforeEach(() => {
    session = someSession();
  });
  afterEach(() => removeLeftovers());

  const own = (owner: Owner, labels: Record<string, string> = {}): Promise<string> =>
    createLabelled(docker, { ...labelsOf(session, owner), ...labels });
  const rowOf = async (): Promise<Row | undefined> =>
    (JSON.parse(await listOwned({ isJson: true })) as readonly Row[]).find((row) => row.session === session);

  it('tells of each session whether its owners live, with the proof, and what it has, from which line', async () => {
    const id = await own(readOwner(), { [labelNames.source]: 'spec/a.spec.ts:12' });

    const text = await listOwned({ isJson: false });

    const block =
      text
        .slice(text.indexOf(`session ${session}`))
        .split('\n\n')[0]
        ?.split('\n') ?? [];
    expect(block[0]).toBe(`session ${session}: alive, process ${process.pid} is alive`);
    expect(block[1]).toMatch(/^ {2}KIND +ID +NAME +AGE +OWNER +STATE +SOURCE$/);
    expect(block[2]).toMatch(
      new RegExp(
        `^  container +${id.slice(0, 12)} +\\S+ +[\\d.]+ m?s +\\S+ pid ${process.pid} +alive +spec/a\\.spec\\.ts:12$`,
      ),
    );
  });

  it('calls a session dead when every owner is, and else what keeps it', async () => {
    const ofDead = deadOwner();
    const dead = await own(ofDead);
    expect(await rowOf()).toMatchObject({ state: 'dead', proof: `no process ${ofDead.pid} on this boot` });

    const elsewhere = await own({ ...ofDead, host: 'another-host' });
    expect(await rowOf()).toMatchObject({ state: 'unknown', proof: 'another host: another-host' });

    const alive = await own(readOwner());
    const row = await rowOf();
    expect(row).toMatchObject({ state: 'alive', proof: `process ${process.pid} is alive` });
    const states = Object.fromEntries(row!.things.map((thing) => [thing.id, thing.state]));
    expect(states).toEqual({ [dead]: 'dead', [elsewhere]: 'unknown', [alive]: 'alive' });
  });

  it('says nothing of what is not ours', async () => {
    const bystander = await createRunningContainer();
    expect(await listOwned({ isJson: true })).not.toContain(bystander);
  });

  it('prints no colour to a pipe, some where it is forced to, and lets no name steer the terminal', async () => {
    await own(readOwner(), { [labelNames.source]: 'a\u001B[2J.ts:1' });

    const piped = await runCastoff(['ls']);
    expect(piped).toMatchObject({ exitCode: 0, stderr: '' });
    expect(piped.stdout).toContain(`session ${session}: alive`);
    expect(piped.stdout).not.toContain('\u001B');
    expect(piped.stdout).toContain('a?[2J.ts:1');

    const forced = await runCastoff(['ls'], { FORCE_COLOR: '1', NODE_NO_WARNINGS: '1' });
    expect(forced.stdout).toContain(`session ${session}: \u001B[32malive\u001B[39m`);
    expect(forced.stdout).not.toContain('\u001B[2J');
  });
});
