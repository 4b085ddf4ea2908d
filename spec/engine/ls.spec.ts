import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { describeSessions } from '../../lib/cli/ls';
import { labelNames, type Owner } from '../../lib/core/labels';
import { readOwner } from '../../lib/processes/owner';
import { built } from '../support/built';
import { removeLeftovers } from '../support/leftovers';
import { createLabelled, deadOwner, labelsOf, someSession } from '../support/owned-things';
import { runCastoff, type CastoffRun } from '../support/run-castoff';
import { docker, uniqueName } from '../support/things';

/** One session in the output of `castoff ls --json`. */
interface Row {
  readonly session: string;
  readonly state: string;
  readonly proof: string;
  readonly things: readonly { readonly id: string; readonly state: string }[];
}

async function runWith(args: readonly string[], stdout: number): Promise<CastoffRun> {
  const child = spawn(process.execPath, [built.cli, ...args], { stdio: ['ignore', stdout, 'pipe'] });
  const [stderr, [exitCode]] = await Promise.all([
    text(child.stderr as Readable),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  return { exitCode, stdout: '', stderr };
}

describe('the output of castoff ls', () => {
  it('fails with one line when the output cannot be written', async () => {
    await using full = await open('/dev/full', 'w');
    expect(await runWith(['ls', '--json'], full.fd)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringMatching(/^castoff: write the output: ENOSPC: [^\n]*\n$/),
    });
  });
});

describe('castoff ls', () => {
  let session: string;
  beforeEach(() => {
    session = someSession();
  });
  afterEach(() => removeLeftovers());

  const own = (owner: Owner, labels: Record<string, string> = {}): Promise<string> =>
    createLabelled(docker, { ...labelsOf(session, owner), ...labels });
  const rowOf = async (): Promise<Row | undefined> =>
    (JSON.parse(await describeSessions({ json: true })) as readonly Row[]).find(
      (row) => row.session === session,
    );

  it('lists each session with the state of its owners, the proof, its resources and their source lines', async () => {
    const id = await own(readOwner(), { [labelNames.source]: 'spec/a.spec.ts:12' });

    const printed = await describeSessions({});

    const block =
      printed
        .slice(printed.indexOf(`session ${session}`))
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

  it('lists a session as dead only when every owner is, and otherwise the owner that keeps it', async () => {
    const ofDead = deadOwner();
    const dead = await own(ofDead);
    expect(await rowOf()).toMatchObject({ state: 'dead', proof: `no process ${ofDead.pid} on this boot` });

    const elsewhere = await own({ ...ofDead, host: 'another-host' });
    expect(await rowOf()).toMatchObject({ state: 'unknown', proof: 'another host: another-host' });

    const alive = await own(readOwner());
    const row = await rowOf();
    expect(row).toMatchObject({ state: 'alive', proof: `process ${process.pid} is alive` });
    const states = Object.fromEntries(row!.things.map((resource) => [resource.id, resource.state]));
    expect(states).toEqual({ [dead]: 'dead', [elsewhere]: 'unknown', [alive]: 'alive' });
  });

  it('lists the marker of an adoption as a marker, with the adopted resource', async () => {
    const Labels = { ...labelsOf(session, readOwner()), [labelNames.adopts]: 'volume:data' };
    await docker.createVolume({ Name: uniqueName(), Labels });
    const printed = await describeSessions({});
    const block = printed.slice(printed.indexOf(`session ${session}`)).split('\n\n')[0];
    expect(block).toMatch(/^ {2}marker +\S+ +has adopted volume:data +\d/m);
    expect(await rowOf()).toMatchObject({ things: [{ adopts: 'volume:data' }] });
  });

  it('omits resources without castoff’s labels', async () => {
    const bystander = await createLabelled(docker, {});
    expect(await describeSessions({ json: true })).not.toContain(bystander);
  });

  it('prints colour to a pipe only when forced to, and escapes control characters in names', async () => {
    await own(readOwner(), { [labelNames.source]: 'a\u001B[2J.ts:1' });

    await own(readOwner(), { [labelNames.session]: 'x\n::error::y\u009B2J##[z' });

    const piped = await runCastoff(['ls']);
    expect(piped).toMatchObject({ exitCode: 0, stderr: '' });
    expect(piped.stdout).toContain(`session ${session}: alive`);
    expect(piped.stdout).not.toContain('\u001B');
    expect(piped.stdout).toContain('a?[2J.ts:1');
    expect(piped.stdout).toContain('session x?::error::y?2J## [z: ');
    expect((await runCastoff(['ls', '--json'])).stdout).not.toMatch(/\u009B|##\[/);

    const forced = await runCastoff(['ls'], { FORCE_COLOR: '1', NODE_NO_WARNINGS: '1' });
    expect(forced.stdout).toContain(`session ${session}: \u001B[32malive\u001B[39m`);
    expect(forced.stdout).not.toContain('\u001B[2J');
  });
});
