import { describe, expect, it } from '@jest/globals';
import type { Engine } from '../../lib/engine/engine';
import { reapOne } from '../../lib/reaper/reaping/reap-one';
import { standInConnection } from '../support/stand-in-connection';

/** Rejects every call. */
const untouchable: Engine = {
  address: 'none',
  isPodman: false,
  connection: standInConnection,
  ask: (call) => Promise.reject(new Error(`asked for ${call}`)),
  within: () => untouchable,
};

describe('reapOne', () => {
  it.each([
    ['another value', { session: 'b' }],
    ['one label of two', { session: 'a' }],
    ['no label', {}],
    ['a reaper’s label', { session: 'a', role: 'db', 'castoff.reaper': 'true' }],
  ])('sends no request for a listed resource with %s', async (_what, labels) => {
    const target = { kind: 'container', id: 'f'.repeat(64), name: 'web', labels } as const;
    const rules = {
      claim: { labels: ['session=a', 'role=db'] },
      requestTimeoutMs: 100,
      stop: new AbortController().signal,
    };

    expect(await reapOne(untouchable, target, rules)).toMatchObject({ type: 'failed', isFinal: true });
  });
});
