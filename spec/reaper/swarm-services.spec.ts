import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import type { AuditEntry } from '../../lib/reaper/audit';
import { reapClaim } from '../../lib/reaper/reap';
import { cleanupByLabel } from '../../lib/resources/cleanup-by-label';
import { cleanupSession } from '../../lib/session/cleanup-session';
import { sweep } from '../../lib/session/sweep';
import { claimOn } from '../support/claimed-things';
import { dockerCommand } from '../support/docker-command';
import { deadOwner, labelsOf, someSession } from '../support/owned-things';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { rejectionOf } from '../support/rejection';
import { specImage } from '../support/spec-image';
import { until } from '../support/until';

let engine: PrivateEngine;
const docker = (...args: string[]) => dockerCommand(engine.address, args);

beforeAll(async () => {
  engine = await openPrivateEngine({ isForSwarm: true });
  await docker('swarm', 'init', '--advertise-addr', '127.0.0.1', '--listen-addr', '127.0.0.1:2377');
});
afterAll(async () => {
  await docker('swarm', 'leave', '--force');
  await engine.close();
});

/** Creates a service; resolves to its name when it has a container. */
const createService = async (
  name: string,
  labels: Readonly<Record<string, string>>,
  { isLabelled, command }: { readonly isLabelled: boolean; readonly command: readonly string[] },
): Promise<string> => {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const flags = pairs.flatMap((pair) => [
    '--container-label',
    pair,
    ...(isLabelled ? ['--label', pair] : []),
  ]);
  const create = 'service create --detach --no-resolve-image --replicas 2 --restart-delay 200ms'.split(' ');
  await docker(...create, '--name', name, ...flags, specImage, ...command);
  const hasTasks = async () => (await tasksOf(name)).length >= 2;
  if (!(await until(hasTasks, 20_000))) throw new Error(`service ${name} has no tasks`);
  return name;
};
const tasksOf = async (service: string): Promise<readonly string[]> => {
  const filter = `label=com.docker.swarm.service.name=${service}`;
  const ids = await docker('ps', '--all', '--quiet', '--no-trunc', '--filter', filter);
  return ids.split('\n').filter((id) => id !== '');
};
const services = async () => (await docker('service', 'ls', '--format', '{{.Name}}')).split('\n');
const sleeps = ['sleep', '600'];
/** The swarm goes on creating containers for it. */
const crashes = ['sh', '-c', 'sleep 0.2; exit 1'];

/** A labelled service, and one of which only the containers have the labels. */
const createBoth = async (session: string, labels: Readonly<Record<string, string>>, command = sleeps) => ({
  own: await createService(`own-${session}`, labels, { isLabelled: true, command: sleeps }),
  foreign: await createService(`foreign-${session}`, labels, { isLabelled: false, command }),
});

describe('the containers of Swarm services', () => {
  it('are reaped with their service, or left with it and reported once', async () => {
    const session = someSession();
    const label = `castoff.session=${session}`;
    const { own, foreign } = await createBoth(session, { 'castoff.session': session }, crashes);
    const audit: AuditEntry[] = [];
    const report = await reapClaim(
      await connectEngine(engine.address),
      claimOn({ 'castoff.session': session }).claim,
      {
        settlePausesMs: [0],
        onAudit: (entry) => audit.push(entry),
      },
    );
    expect(report.left).toEqual([
      expect.objectContaining({
        kind: 'container',
        reason: expect.stringMatching(new RegExp(`^belongs to service ${foreign} `)),
      }),
    ]);
    expect(audit.filter(({ outcome }) => outcome === 'left')).toHaveLength(1);
    expect(report.cutShort).toBeUndefined();
    expect(await tasksOf(own)).toEqual([]);
    expect(await services()).toEqual([foreign]);
    expect(await until(async () => (await tasksOf(foreign)).length > 0, 10_000)).toBe(true);

    const { errors } = await cleanupByLabel(await connectEngine(engine.address), [label], {
      timeoutMs: 30_000,
    });
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringContaining(`belongs to service ${foreign}`),
    ]);
    expect(await services()).toEqual([foreign]);
    await docker('service', 'rm', foreign);
  });

  it('are swept with their service, or kept with it', async () => {
    const session = someSession();
    const { own, foreign } = await createBoth(session, labelsOf(session, deadOwner()));
    const kept = await tasksOf(foreign);
    const actions = async (dryRun: boolean) => {
      const { things } = await sweep({ engine: engine.address, dryRun });
      const named = things.filter((thing) => thing.session === session);
      return named.map(({ id, action, proof }) => (kept.includes(id) ? { action, proof } : action));
    };
    const ofForeign = { action: 'kept', proof: expect.stringContaining(`belongs to service ${foreign}`) };
    const dry = await actions(true);
    expect(dry).toHaveLength(4);
    expect(dry).toEqual(expect.arrayContaining([ofForeign, 'would-remove']));
    expect(await services()).toEqual([foreign, own].toSorted());

    const swept = await actions(false);
    expect(swept).toEqual(expect.arrayContaining([ofForeign, 'removed']));
    expect(await services()).toEqual([foreign]);
    expect(await tasksOf(own)).toEqual([]);
    expect(await tasksOf(foreign)).toEqual(kept);

    const failure = await rejectionOf(cleanupSession(session, { engine: engine.address }));
    expect(failure).toMatchObject({
      code: 'CLEANUP_FAILED',
      message: expect.stringContaining(`belongs to service ${foreign}`),
    });
    expect(await tasksOf(foreign)).toEqual(kept);
    await docker('service', 'rm', foreign);
  });
});
