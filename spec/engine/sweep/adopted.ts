import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { VolumeInspectInfo } from 'dockerode';
import { connectEngine } from '../../../lib/engine/connect';
import { cleanupSession, sweep } from '../../../lib/index';
import { reapClaim } from '../../../lib/reaper/reaping/reap';
import { checkFinally } from '../../../lib/run/final-check';
import { built } from '../../support/built';
import { claimOn, stillThere } from '../../support/claimed-things';
import { openFaultProxy } from '../../support/fault-proxy';
import { deadOwner, labelsOf, someSession } from '../../support/owned-things';
import { killAndWait } from '../../support/started-session';
import { uniqueName } from '../../support/things';
import { until } from '../../support/until';
import { createdKinds, find, type OfEachKind, type SweepStage } from './stage';

export function describeAdopted(stage: () => SweepStage): void {
  describe('sweep, for resources of a dead session adopted by a live one with another temporary folder', () => {
    let session: string;
    let folder: string;
    let adopter: ChildProcessByStdio<Writable, Readable, null>;
    let replies: AsyncIterator<string>;
    let adopted: OfEachKind;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'castoff-adopter-'));
    });
    afterAll(() => rm(folder, { recursive: true }));

    beforeEach(async () => {
      session = someSession();
      adopted = await stage().leaveOfEachKind(labelsOf(session, deadOwner()));
      ({ adopter, replies } = await adoptInAnother(adopted, { TMPDIR: folder, XDG_RUNTIME_DIR: folder }));
    });
    afterEach(() => killAndWait(adopter));

    it('keeps them in every cleanup of the dead session; the adopting scope removes them when it closes', async () => {
      const { engine, docker, sweepHere } = stage();
      const report = await sweepHere();
      for (const kind of createdKinds) {
        expect(find(report, adopted[kind])).toMatchObject({
          action: 'kept',
          proof: expect.stringMatching(/^session \S+ has adopted it: process \d+ is alive$/),
        });
      }
      await cleanupSession(session, { engine: engine.address });
      const { claim } = claimOn({ 'castoff.session': session });
      const { left } = await reapClaim(await connectEngine(engine.address), claim, { settlePausesMs: [] });
      expect(left).toHaveLength(3);
      for (const { reason } of left) expect(reason).toMatch(/^session \S+ has adopted it$/);
      expect(await stillThere(resources(), docker)).toHaveLength(3);

      adopter.stdin.write('close\n');
      expect(await replies.next()).toMatchObject({ value: 'closed' });
      expect(await stillThere(resources(), docker)).toEqual([]);
      expect(await markers()).toEqual([]);
    });

    it('removes them once the adopting session is dead too, and does not count its markers as leaks', async () => {
      expect(await markers()).toHaveLength(3);
      const [marker] = await markers();
      const other = marker!.Labels['castoff.session']!;
      const { engine, docker, sweepHere } = stage();
      const { signal } = new AbortController();
      const { left } = await checkFinally(await connectEngine(engine.address), {
        session: other,
        entries: [],
        signal,
      });
      expect(left).toEqual([]);
      await killAndWait(adopter);
      await sweepHere();
      expect(await stillThere(resources(), docker)).toEqual([]);
      expect(await markers()).toEqual([]);
    });

    it('keeps an unlabelled one that only the journal of the dead session names', async () => {
      const { engine, docker, sweepHere } = stage();
      const volume = uniqueName();
      await docker.createVolume({ Name: volume });
      const first = await adoptInAnother({ volume }, {});
      const second = await adoptInAnother({ volume }, { TMPDIR: folder, XDG_RUNTIME_DIR: folder });
      try {
        await killAndWait(first.adopter);
        const kept = find(await sweepHere(), volume);
        expect(kept).toMatchObject({
          action: 'kept',
          proof: expect.stringMatching(/^session \S+ has adopted it: process \d+ is alive$/),
        });
        await cleanupSession(kept?.session ?? '', { engine: engine.address });
        expect(await stillThere([{ kind: 'volume', id: volume }], docker)).toHaveLength(1);
        second.adopter.stdin.write('close\n');
        expect(await second.replies.next()).toMatchObject({ value: 'closed' });
        expect(await stillThere([{ kind: 'volume', id: volume }], docker)).toEqual([]);
      } finally {
        await killAndWait(first.adopter);
        await killAndWait(second.adopter);
      }
    });

    it.each([
      ['a sweep', async (address: string) => void (await sweep({ engine: address }))],
      [
        'a reaper',
        async (address: string, dead: string) => {
          const { claim } = claimOn({ 'castoff.session': dead });
          await reapClaim(await connectEngine(address), claim, { settlePausesMs: [] });
        },
      ],
    ])('keeps a volume that is adopted while %s removes other resources', async (_what, remove) => {
      const { engine, docker, leaveOfEachKind, isThere } = stage();
      const dead = someSession();
      const { container, volume } = await leaveOfEachKind(labelsOf(dead, deadOwner()));
      await using proxy = await openFaultProxy({ upstream: engine.socketPath });
      const held = Promise.withResolvers<void>();
      proxy.inject({
        on: `DELETE /containers/${container}`,
        fault: { type: 'hold', until: held.promise },
      });
      const removing = remove(proxy.address, dead);
      const isRemoving = () => proxy.calls.some(({ method }) => method === 'DELETE');
      expect(await until(isRemoving)).toBe(true);
      const late = await adoptInAnother({ volume }, { TMPDIR: folder, XDG_RUNTIME_DIR: folder });
      try {
        held.resolve();
        await removing;
        expect(await isThere(container)).toBe(false);
        expect(await isThere(volume, 'volume')).toBe(true);
        late.adopter.stdin.write('close\n');
        expect(await late.replies.next()).toMatchObject({ value: 'closed' });
        expect(await stillThere([{ kind: 'volume', id: volume }], docker)).toEqual([]);
      } finally {
        await killAndWait(late.adopter);
      }
    });

    const resources = () => createdKinds.map((kind) => ({ kind, id: adopted[kind] }));

    /**
     * Resolves when another process has adopted the resources; it closes its scope when stdin is written to.
     */
    async function adoptInAnother(
      these: Partial<OfEachKind>,
      env: NodeJS.ProcessEnv,
    ): Promise<{
      readonly adopter: ChildProcessByStdio<Writable, Readable, null>;
      readonly replies: AsyncIterator<string>;
    }> {
      const { engine } = stage();
      const script = `
        const { openScope } = require(${JSON.stringify(built.library)});
        const scope = openScope('next run');
        const adopted = ${JSON.stringify(these)};
        Promise.all(Object.entries(adopted).map(([kind, id]) => scope.adopt(id, kind))).then(() => process.stdout.write('adopted\\n'));
        process.stdin.once('data', () => scope.close().then(() => process.stdout.write('closed\\n')));`;
      const child = spawn(process.execPath, ['-e', script], {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, DOCKER_HOST: engine.address, ...env },
      });
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
      expect(await lines.next()).toMatchObject({ value: 'adopted' });
      return { adopter: child, replies: lines };
    }

    async function markers(): Promise<readonly VolumeInspectInfo[]> {
      const { Volumes } = await stage().docker.listVolumes({ filters: { label: ['castoff.adopts'] } });
      return Volumes ?? [];
    }
  });
}
