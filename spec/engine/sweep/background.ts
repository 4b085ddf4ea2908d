import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type Docker from 'dockerode';
import { sweepInBackground } from '../../../lib/sweep/sweep-in-background';
import { openFaultProxy, type FaultProxy } from '../../support/fault-proxy';
import { deadOwner, labelsOf, someSession } from '../../support/owned-things';
import { exists, uniqueName } from '../../support/things';
import { until } from '../../support/until';
import type { SweepStage } from './stage';

export function describeBackground(stage: () => SweepStage): void {
  describe('sweepInBackground', () => {
    let proxy: FaultProxy;
    let docker: Docker;
    let session: string;
    beforeEach(async () => {
      ({ docker } = stage());
      session = someSession();
      proxy = await openFaultProxy({ upstream: stage().engine.socketPath });
    });
    afterEach(() => proxy.close());

    const isThere = (id: string): Promise<boolean> => stage().isThere(id);
    const leave = (): Promise<string> => stage().leave(labelsOf(session, deadOwner()));

    const { CASTOFF_SWEEP: before } = process.env;
    beforeEach(() => {
      delete process.env['CASTOFF_SWEEP'];
    });
    afterEach(() => {
      jest.restoreAllMocks();
      if (before !== undefined) process.env['CASTOFF_SWEEP'] = before;
    });

    it('removes what dead owners left', async () => {
      const id = await leave();
      const report = await sweepInBackground(proxy.address, { limitMs: 20_000 }).ended;
      expect(report?.things.find((resource) => resource.id === id)).toMatchObject({ action: 'removed' });
      expect(await isThere(id)).toBe(false);
    });

    it('stops at its limit without a warning, and leaves the rest to the next sweep', async () => {
      const id = await leave();
      const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      proxy.inject({ on: 'GET /containers/json', fault: { type: 'swallow' }, times: 9 });

      expect(await sweepInBackground(proxy.address, { limitMs: 300 }).ended).toBeUndefined();

      expect(warned).not.toHaveBeenCalled();
      expect(await isThere(id)).toBe(true);
    });

    it('removes the rest while one container is stuck, and stops at its limit', async () => {
      const id = await leave();
      const volume = uniqueName();
      await docker.createVolume({ Name: volume, Labels: labelsOf(session, deadOwner()) });
      proxy.inject({ on: `* /containers/${id}`, fault: { type: 'swallow' }, times: Infinity });
      expect(await sweepInBackground(proxy.address, { limitMs: 6_000 }).ended).toBeUndefined();
      expect(await exists('volume', volume, docker)).toBe(false);
    });

    it('finishes when it is stopped', async () => {
      proxy.inject({ on: 'GET /containers/json', fault: { type: 'swallow' }, times: 9 });
      const sweeping = sweepInBackground(proxy.address, { limitMs: 30_000 });
      await proxy.until('GET /containers/json');
      await sweeping.stop();
      expect(await sweeping.ended).toBeUndefined();
    });

    it('reports failed removals in one warning, and does not reject', async () => {
      const id = await leave();
      const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      const fault = { type: 'answer', status: 400, message: 'not today' } as const;
      proxy.inject({ on: `DELETE /containers/${id}`, fault, times: 9 });

      await sweepInBackground(proxy.address, { limitMs: 20_000 }).ended;

      expect(warned).toHaveBeenCalledTimes(1);
      expect(warned).toHaveBeenCalledWith(expect.stringContaining('not today'), {
        type: 'CastoffWarning',
        code: 'CASTOFF_SWEEP_FAILED',
      });
    });

    it('does not reject without an engine', async () => {
      const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      expect(await sweepInBackground('unix:///nowhere/engine.sock').ended).toBeUndefined();
      expect(warned).toHaveBeenCalledTimes(1);
    });

    it('does nothing with CASTOFF_SWEEP=off', async () => {
      process.env['CASTOFF_SWEEP'] = 'off';
      const id = await leave();
      await sweepInBackground(proxy.address, { limitMs: 20_000 }).ended;
      expect(await until(async () => !(await isThere(id)), 0)).toBe(false);
      expect(proxy.calls).toEqual([]);
    });
  });
}
