import { afterEach, describe, expect, it } from '@jest/globals';
import { labelNames, ownershipLabels } from '../../lib/core/labels';
import { listOwned } from '../../lib/cli/ls';
import { readOwner } from '../../lib/registry/owner';
import { createRunningContainer, docker } from '../support/things';

describe('castoff ls', () => {
  const made: string[] = [];
  afterEach(async () => {
    await Promise.allSettled(made.splice(0).map((id) => docker.getContainer(id).remove({ force: true })));
  });

  const own = async (owner: Partial<ReturnType<typeof readOwner>>): Promise<string> => {
    const id = await createRunningContainer({
      Labels: ownershipLabels({
        session: 'feedfacecafe',
        owner: { ...readOwner(), ...owner },
        source: 'spec/a.spec.ts:12',
        createdAt: new Date(Date.now() - 90_000),
      }),
    });
    made.push(id);
    return id;
  };

  it('tells of each thing whose it is, whether its owner lives, from which line, and how old it is', async () => {
    const alive = await own({});
    const dead = await own({ pidStart: '1' });
    const elsewhere = await own({ host: 'another-host' });

    const lines = (await listOwned({ isJson: false })).split('\n');

    const lineOf = (id: string) => lines.find((line) => line.includes(id.slice(0, 12)));
    expect(lines[0]).toMatch(/^KIND +ID +NAME +SESSION +AGE +OWNER +SOURCE$/);
    expect(lineOf(alive)).toMatch(/feedfacecafe +1 min 3\d s +\S+ pid \d+ \(alive\) +spec\/a\.spec\.ts:12/);
    expect(lineOf(dead)).toContain('(dead)');
    expect(lineOf(elsewhere)).toContain('another-host pid');
    expect(lineOf(elsewhere)).toContain('(unknown)');
  });

  it('says the same as JSON, and nothing of what is not ours', async () => {
    const ours = await own({});
    const bystander = await createRunningContainer();
    made.push(bystander);

    const rows: readonly { id: string; session: string }[] = JSON.parse(await listOwned({ isJson: true }));

    expect(rows).toContainEqual(
      expect.objectContaining({ id: ours, session: 'feedfacecafe', kind: 'container' }),
    );
    expect(rows.map(({ id }) => id)).not.toContain(bystander);
  });

  it('carries its labels under the names that other programs know', () => {
    expect(labelNames).toMatchObject({
      session: 'castoff.session',
      pidStart: 'castoff.pid-start',
      boot: 'castoff.boot',
    });
  });
});
