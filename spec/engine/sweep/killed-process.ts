import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readOwner } from '../../../lib/processes/owner';
import { journalFolder } from '../../../lib/registry/session-identity';
import { built } from '../../support/built';
import { deadOwner, labelsOf, someSession } from '../../support/owned-things';
import { runCastoff } from '../../support/run-castoff';
import { killAndWait, startSession, type StartedSession } from '../../support/started-session';
import { createdKinds, type SweepStage } from './stage';

/**
 * One process, from its start to the removal of its last resource: each spec continues from the previous one.
 */
export function describeKilledProcess(stage: () => SweepStage): void {
  describe('resources that a process has started', () => {
    let started: StartedSession;
    let adopter: Adopter;

    beforeAll(async () => {
      const { engine, docker } = stage();
      const env = { DOCKER_HOST: engine.address, CASTOFF_REAPER: 'off' };
      started = await startSession(env, docker);
    });
    afterAll(async () => {
      await started.kill();
      await adopter?.end();
      await stage().sweepHere();
    });

    it('are kept while the process is alive', async () => {
      expect(await stage().sweepHere()).toMatchObject({ totals: { removed: 0, failed: 0 } });
      expect(await started.listLeft()).toHaveLength(4);
    });

    it('are kept by a dry run after the process was killed, and listed as removable', async () => {
      await started.kill();

      const report = await stage().sweepHere({ dryRun: true });

      const mine = report.things.filter((resource) => resource.session === started.session);
      expect(mine.map(({ id }) => id)).toEqual(expect.arrayContaining(started.entries.map(({ id }) => id)));
      // Each of its two adopted volumes has a marker.
      expect(mine.map(({ action }) => action)).toEqual(Array.from({ length: 6 }, () => 'would-remove'));
      expect(report.totals).toMatchObject({ wouldRemove: 6, removed: 0 });
      expect(await started.listLeft()).toHaveLength(4);
      expect(existsSync(journalFolder(started.session))).toBe(true);
    });

    it('are removed with the proof for each, except for those that a live session has adopted', async () => {
      const { engine, isThere, leave, leaveOfEachKind } = stage();
      const [volume, adopted] = started.volumes;
      adopter = startAdopter(adopted);
      await adopter.ready;
      const bystanders = await leaveOfEachKind({});
      const ofLiving = await leave(labelsOf(someSession(), readOwner()));

      const { exitCode, stdout, stderr } = await runCastoff(['sweep'], { DOCKER_HOST: engine.address });

      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect((await started.listLeft()).map(({ id }) => id)).toEqual([adopted]);
      const lines = stdout.split('\n').filter((line) => line.includes(started.session));
      // Two are its markers.
      expect(lines).toHaveLength(6);
      expect(lines.find((line) => line.includes(adopted))).toMatch(/^kept /);
      const removed = started.entries.filter(({ id }) => id !== adopted);
      expect(removed.map(({ kind }) => kind).toSorted()).toEqual(createdKinds);
      expect(removed.map(({ id }) => id)).toContain(volume);
      for (const { kind, name, id } of removed)
        expect(lines).toContainEqual(
          expect.stringMatching(
            new RegExp(
              `^removed +${kind} +${name ?? id} +${started.session} +\\S+ pid ${started.pid} .*no process ${started.pid} on this boot`,
            ),
          ),
        );
      expect(stdout).toMatch(/\n5 removed, \d+ kept, 0 failed on unix:/);
      expect(existsSync(journalFolder(started.session))).toBe(true);
      for (const kind of createdKinds) expect(await isThere(bystanders[kind], kind)).toBe(true);
      expect(await isThere(ofLiving)).toBe(true);
    });

    it('are removed by several concurrent sweeps without errors', async () => {
      const { sweepHere, isThere, leaveOfEachKind } = stage();
      await adopter.end();
      const left = await leaveOfEachKind(labelsOf(started.session, deadOwner()));

      const reports = await Promise.all([sweepHere(), sweepHere(), sweepHere()]);

      expect(reports.map(({ totals }) => totals.failed)).toEqual([0, 0, 0]);
      expect(await started.listLeft()).toEqual([]);
      for (const kind of createdKinds) expect(await isThere(left[kind], kind)).toBe(false);
      expect(existsSync(journalFolder(started.session))).toBe(false);
    });

    interface Adopter {
      readonly ready: Promise<unknown>;
      end(): Promise<void>;
    }

    /** A live session that adopts a volume which another session has left. */
    function startAdopter(name: string): Adopter {
      const { engine } = stage();
      const script = `
        const { openScope } = require(${JSON.stringify(built.library)});
        openScope('next run').adopt(${JSON.stringify(name)}, 'volume').then(() => process.stdout.write('adopted'));
        setInterval(() => undefined, 60_000);`;
      const child = spawn(process.execPath, ['-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, DOCKER_HOST: engine.address },
      });
      return { ready: once(child.stdout, 'data'), end: () => killAndWait(child) };
    }
  });
}
