import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type Docker from 'dockerode';
import { sweep } from '../../../lib/index';
import { openFaultProxy, type FaultProxy } from '../../support/fault-proxy';
import { createLabelled, deadOwner, labelsOf, someSession } from '../../support/owned-things';
import { rejectionOf } from '../../support/rejection';
import { specLabel, uniqueName } from '../../support/things';
import { find, type SweepStage } from './stage';

export function describeFailingEngine(stage: () => SweepStage): void {
  describe('sweep on a failing engine', () => {
    let proxy: FaultProxy;
    let docker: Docker;
    let isThere: SweepStage['isThere'];
    let session: string;
    beforeEach(async () => {
      ({ docker, isThere } = stage());
      session = someSession();
      proxy = await openFaultProxy({ upstream: stage().engine.socketPath });
    });
    afterEach(() => proxy.close());

    it('reports a failed removal, removes the rest, and removes the failed one in a later sweep', async () => {
      const owner = deadOwner();
      const stuck = await createLabelled(docker, labelsOf(session, owner));
      const others = await Promise.all([1, 2, 3].map(() => createLabelled(docker, labelsOf(session, owner))));
      const fault = proxy.inject({
        on: `DELETE /containers/${stuck}`,
        fault: { type: 'answer', status: 403, message: 'removal denied by policy' },
        times: Number.POSITIVE_INFINITY,
      });

      const report = await sweep({ engine: proxy.address });

      expect(find(report, stuck)).toMatchObject({ action: 'failed' });
      expect(find(report, stuck)?.error?.message).toContain('removal denied by policy');
      expect(report.totals.failed).toBe(1);
      for (const id of others) expect(await isThere(id)).toBe(false);
      expect(await isThere(stuck)).toBe(true);

      fault.remove();
      expect(find(await sweep({ engine: proxy.address }), stuck)).toMatchObject({ action: 'removed' });
    });

    it('removes everything else while one container is stuck', async () => {
      const labels = labelsOf(session, deadOwner());
      const stuck = await createLabelled(docker, labels);
      const { id: network } = await docker.createNetwork({ Name: uniqueName(), Labels: labels });
      const volume = uniqueName();
      await docker.createVolume({ Name: volume, Labels: labelsOf(someSession(), deadOwner()) });
      const fault = proxy.inject({
        on: `* /containers/${stuck}`,
        fault: { type: 'swallow' },
        times: Infinity,
      });

      const report = await sweep({ engine: proxy.address, timeoutMs: 8_000 });

      expect(find(report, network)).toMatchObject({ action: 'removed' });
      expect(find(report, volume)).toMatchObject({ action: 'removed' });
      expect(find(report, stuck)).toMatchObject({ action: 'failed' });
      fault.remove();
      expect(await isThere(stuck)).toBe(true);
    });

    it('retries a list that failed or was cut off', async () => {
      const id = await createLabelled(docker, labelsOf(session, deadOwner()));
      const failed = proxy.inject({ on: 'GET /volumes', fault: { type: 'answer', status: 500 } });
      const cut = proxy.inject({ on: 'GET /containers/json', fault: { type: 'reset' } });

      const report = await sweep({ engine: proxy.address });

      expect([failed.hits(), cut.hits()]).toEqual([1, 1]);
      expect(find(report, id)).toMatchObject({ action: 'removed' });
    });

    it('keeps a volume that others create under the same name during the sweep', async () => {
      const name = uniqueName();
      await docker.createVolume({ Name: name, Labels: labelsOf(session, deadOwner()) });
      const held = proxy.hold(`GET /volumes/${name}`);
      const sweeping = sweep({ engine: proxy.address });
      await held.arrived();
      await docker.getVolume(name).remove();
      await docker.createVolume({ Name: name, Labels: specLabel });
      held.release();

      expect(find(await sweeping, name)).toMatchObject({
        action: 'kept',
        proof: 'another resource has reused its name',
      });
      expect(await isThere(name, 'volume')).toBe(true);
    });

    it('keeps resources that an older engine lists in spite of the filter', async () => {
      const bystander = await createLabelled(docker, {});
      const everything = await docker.listContainers({ all: true });
      const ignored = proxy.inject({
        on: 'GET /containers/json',
        fault: { type: 'answer', status: 200, body: everything },
        times: 5,
      });

      const report = await sweep({ engine: proxy.address, foreign: true, olderThanMs: 0 });

      expect(ignored.hits()).toBeGreaterThan(0);
      expect(find(report, bystander)).toBeUndefined();
      expect(await isThere(bystander)).toBe(true);
    });

    it('rejects with the signal’s reason', async () => {
      await createLabelled(docker, labelsOf(session, deadOwner()));
      proxy.inject({ on: 'DELETE /containers/*', fault: { type: 'swallow' } });
      const leaving = new AbortController();
      const ending = rejectionOf(sweep({ engine: proxy.address, signal: leaving.signal }));
      await proxy.until('DELETE /containers/*');
      const reason = new Error('enough');
      leaving.abort(reason);
      expect(await ending).toBe(reason);
    });

    it('counts resources removed by other clients meanwhile as removed', async () => {
      const labels = labelsOf(session, deadOwner());
      const [before, ...atOnce] = await Promise.all([1, 2, 3].map(() => createLabelled(docker, labels)));
      const remove = (id = ''): Promise<unknown> => docker.getContainer(id).remove({ force: true });
      const theirs: Promise<unknown>[] = [];
      const meanwhile = (id = ''): Promise<unknown> => {
        const removal = Promise.allSettled([remove(id)]);
        theirs.push(removal);
        return removal;
      };
      proxy.inject({
        on: `DELETE /containers/${before}`,
        fault: () => ({ type: 'hold', until: meanwhile(before) }),
      });
      for (const id of atOnce)
        proxy.inject({ on: `DELETE /containers/${id}`, fault: () => void meanwhile(id), times: Infinity });

      const report = await sweep({ engine: proxy.address });

      expect(theirs.length).toBeGreaterThanOrEqual(3);
      expect(report.totals.failed).toBe(0);
      for (const id of [before, ...atOnce]) {
        expect(find(report, id ?? '')).toMatchObject({ action: 'removed' });
        expect(await isThere(id ?? '')).toBe(false);
      }
      await Promise.all(theirs);
    });
  });
}
