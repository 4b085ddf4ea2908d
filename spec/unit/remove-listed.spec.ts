import { describe, expect, it } from '@jest/globals';
import type { Engine } from '../../lib/engine/engine';
import { removeListed } from '../../lib/resources/remove-listed';
import { standInConnection } from '../support/stand-in-connection';

/** Rejects every call. */
const untouchable: Engine = {
  address: 'none',
  isPodman: false,
  connection: standInConnection,
  ask: (call) => Promise.reject(new Error(`asked for ${call}`)),
  get: (call) => Promise.reject(new Error(`asked for ${call}`)),
  within: () => untouchable,
};

describe('removeListed', () => {
  it('sends no request for a resource that is not covered', async () => {
    const target = { kind: 'container', id: 'f'.repeat(64), name: 'web', labels: { session: 'b' } } as const;
    const rules = { covers: () => false, coversService: () => true };
    await expect(removeListed(untouchable, target, rules)).rejects.toMatchObject({
      code: 'CLEANUP_FAILED',
      message: 'remove container web: it is not to be removed',
    });
  });
});
