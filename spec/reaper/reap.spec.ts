import { afterAll, describe, expect, it } from '@jest/globals';
import { composeProjectLabel, labelNames } from '../../lib/core/labels';
import { connectEngine } from '../../lib/engine/connect';
import type { AuditEntry } from '../../lib/reaper/reaping/audit';
import { reapClaim } from '../../lib/reaper/reaping/reap';
import {
  claimOn,
  createFamily,
  createIdle,
  createImageOf,
  createNetworkOf,
  createVolumeOf,
  newSession,
  stillThere,
} from '../support/claimed-things';
import { writeComposeFile } from '../support/compose-command';
import { removeLeftovers } from '../support/leftovers';
import { sleeper, specImage } from '../support/spec-image';
import { docker, exists, specLabel, uniqueName } from '../support/things';
import { openUnfilteringEngine } from '../support/other-paths';

afterAll(() => removeLeftovers());

/** Lists once more, at once: reap-late.spec.ts covers late resources. */
const settlePausesMs = [0];

describe('reaping a claim', () => {
  it('removes all kinds of resources and all names of an image, and counts them', async () => {
    const { claim, labels } = newSession();
    const resources = await createFamily(labels, { isRunning: true });

    const report = await reapClaim(await connectEngine(), claim, { settlePausesMs });

    expect(await stillThere(resources)).toEqual([]);
    expect(report).toMatchObject({
      labels: claim.labels,
      removed: { container: 1, network: 1, volume: 1, image: 1 },
      left: [],
    });
    expect(report.cutShort).toBeUndefined();
  });

  it('removes a Compose project, and nothing of a project with a similar name', async () => {
    const [ours, theirs] = [uniqueName(), uniqueName()];
    const labels = specLabel;
    const service = {
      image: specImage,
      labels,
      // Compose replaces variables.
      command: sleeper.map((word) => word.replaceAll('$', '$$$$')),
      volumes: ['data:/data'],
    };
    await using file = await writeComposeFile({
      version: '3.5',
      services: { db: service },
      networks: { default: { labels } },
      volumes: { data: { labels } },
    });
    await Promise.all([file.up(ours), file.create(theirs)]);
    const { claim } = claimOn({ [composeProjectLabel]: ours });

    const { removed } = await reapClaim(await connectEngine(), claim, { settlePausesMs });

    expect(removed).toEqual({ container: 1, network: 1, volume: 1, image: 0 });
    const filters = { label: [`${composeProjectLabel}=${theirs}`] };
    expect(await docker.listContainers({ all: true, filters })).toMatchObject([{ State: 'created' }]);
    expect(await docker.listNetworks({ filters })).toHaveLength(1);
    expect((await docker.listVolumes({ filters })).Volumes).toHaveLength(1);
  });

  it('keeps resources that lack a label of the claim, or have another value', async () => {
    const run = uniqueName();
    const { claim, labels } = claimOn({ [labelNames.session]: run, role: 'db' });
    const bystanders = await Promise.all([
      createIdle({}),
      createIdle({ [labelNames.session]: run }),
      createIdle({ ...labels, role: 'db2' }),
      createIdle({ ...labels, [labelNames.session]: `${run}0` }),
      createIdle({ ...labels, role: 'd' }),
      createVolumeOf({ [labelNames.session]: run, role: 'DB' }),
      createVolumeOf({}),
      createNetworkOf({ [labelNames.session]: `${run}-2`, role: 'db' }),
      createImageOf({ [labelNames.session]: run, role: '' }),
    ]);
    const own = await createIdle(labels);

    await reapClaim(await connectEngine(), claim, { settlePausesMs });

    expect(await stillThere([own, ...bystanders])).toEqual(bystanders);
  });

  it('keeps the resources of others on an engine that ignores filters', async () => {
    await using engine = await openUnfilteringEngine();
    const { claim, labels } = newSession();
    const bystanders = await createFamily({ [labelNames.session]: uniqueName() });
    const resources = await createFamily(labels);

    const { removed } = await reapClaim(await connectEngine(engine.address), claim, { settlePausesMs });

    expect(removed).toEqual({ container: 1, network: 1, volume: 1, image: 1 });
    expect(await stillThere([...resources, ...bystanders])).toEqual(bystanders);
  });

  it.each([['castoff.reaper'], ['org.testcontainers.ryuk']])(
    'keeps resources with %s=true, whatever other labels they have',
    async (reaperLabel) => {
      const { claim, labels } = newSession();
      const reaperLabels = { ...labels, [reaperLabel]: 'true' };
      const reaper = await Promise.all([
        createIdle(reaperLabels),
        createImageOf(reaperLabels),
        createVolumeOf(reaperLabels),
      ]);
      const own = await createIdle({ ...labels, [reaperLabel]: 'false' });

      const report = await reapClaim(await connectEngine(), claim, { settlePausesMs });

      expect(await stillThere([own, ...reaper])).toEqual(reaper);
      expect(report).toMatchObject({ removed: { container: 1, image: 0, volume: 0 }, left: [] });
    },
  );

  it('reports what it would remove, and removes nothing, in a dry run', async () => {
    const { claim, labels } = newSession();
    const resources = await createFamily(labels);
    const entries: AuditEntry[] = [];

    const report = await reapClaim(await connectEngine(), claim, {
      isDryRun: true,
      onAudit: (entry) => entries.push(entry),
    });

    expect(await stillThere(resources)).toEqual(resources);
    expect(report).toMatchObject({
      isDryRun: true,
      removed: { container: 1, network: 1, volume: 1, image: 1 },
      left: [],
    });
    expect(entries.map(({ outcome, kind, id }) => ({ outcome, kind, id }))).toEqual(
      resources.map((resource) => ({ outcome: 'would-remove', ...resource })),
    );
  });

  it('removes nothing of a claim that exceeds the limit, and names the override', async () => {
    const { claim, labels } = newSession();
    const resources = await Promise.all([createIdle(labels), createIdle(labels), createVolumeOf(labels)]);

    const refused = await reapClaim(await connectEngine(), claim, { maxRemovals: 2 });

    expect(await stillThere(resources)).toEqual(resources);
    expect(refused).toMatchObject({ removed: { container: 0, network: 0, volume: 0, image: 0 } });
    expect(refused.cutShort).toMatch(/covers 3 resources.*CASTOFF_REAPER_MAX_REMOVALS=none/);

    const done = await reapClaim(await connectEngine(), claim, { maxRemovals: 3, settlePausesMs });
    expect(done.cutShort).toBeUndefined();
    expect(await stillThere(resources)).toEqual([]);
  });

  it('audits each removed resource, with its labels, the claim and its holder', async () => {
    const { claim, labels } = newSession();
    const { id } = await createIdle(labels);
    const entries: AuditEntry[] = [];

    await reapClaim(await connectEngine(), claim, {
      settlePausesMs,
      lastHolder: 'pid 12 on host',
      onAudit: (entry) => entries.push(entry),
    });

    expect(entries).toEqual([
      {
        outcome: 'removed',
        kind: 'container',
        id,
        name: expect.any(String),
        labels: expect.objectContaining({ ...labels, ...specLabel }),
        claim: claim.key,
        lease: 'pid 12 on host',
        reason: undefined,
        durationMs: expect.any(Number),
      },
    ]);
  });

  it('shares the removals with another client that removes the same resources', async () => {
    const { claim, labels } = newSession();
    const resources = [
      ...(await createFamily(labels)),
      ...(await Promise.all([1, 2, 3].map(() => createIdle(labels)))),
    ];
    const containers = resources.filter(({ kind }) => kind === 'container');

    const [report, ...others] = await Promise.all([
      reapClaim(await connectEngine(), claim, { settlePausesMs }),
      reapClaim(await connectEngine(), claim, { settlePausesMs }),
      ...containers.map(
        ({ id }) =>
          docker
            .getContainer(id)
            .remove({ force: true })
            .catch(() => {}), // Whoever is quicker makes the others fail.
      ),
    ]);

    expect(others).toHaveLength(1 + containers.length);
    expect(report).toMatchObject({ left: [] });
    expect(report.cutShort).toBeUndefined();
    expect(await stillThere(resources)).toEqual([]);
    expect(await exists('image', specImage)).toBe(true);
  });
});
