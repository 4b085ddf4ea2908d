import { describe, expect, it } from '@jest/globals';
import { EndPatience } from '../../lib/session/end-patience';
import { RunLeaks } from '../../lib/run/remove-leaks';
import type { RegistryEntry } from '../../lib/registry/entry';

const entry: RegistryEntry = {
  key: 'k1',
  kind: 'container',
  owner: { scope: 'a.test.js' },
  origin: 'raw',
  registeredAt: new Date(),
  since: new Date(),
  state: 'present',
};

describe('removing the leaks of a test file', () => {
  it('each removal of leaks without an engine resolves, and is a failure of the run', async () => {
    const failures: unknown[] = [];
    const leaks = new RunLeaks({
      engine: () => Promise.reject(new Error(`away ${failures.length}`)),
      note: () => undefined,
      fail: (error) => failures.push(error),
      patience: (waitingFor) =>
        new EndPatience({ ping: async () => true, waitingFor, print: () => undefined }),
    });
    await leaks.remove([entry]);
    await leaks.remove([entry]);
    expect(failures).toMatchObject([{ message: 'away 0' }, { message: 'away 1' }]);
  });
});
