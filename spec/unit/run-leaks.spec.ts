import { describe, expect, it } from '@jest/globals';
import type { RegistryEntry } from '../../lib/registry/entry';
import type { Registry } from '../../lib/registry/registry';
import { RunCleanup } from '../../lib/run/run-cleanup';
import { RunEntries } from '../../lib/run/run-entries';
import { RunLeases } from '../../lib/run/run-leases';
import { EndPatience } from '../../lib/session/end-patience';

const entry: RegistryEntry = {
  key: 'k1',
  kind: 'container',
  owner: { scope: 'a.test.js' },
  origin: 'raw',
  registeredAt: new Date(),
  since: new Date(),
  state: 'present',
  leakedAt: new Date(),
};

describe('removing the leaks of a test file', () => {
  it('each removal of leaks without an engine resolves, and is a failure of the run', async () => {
    const entries = new RunEntries({ list: () => [] } as unknown as Registry);
    entries.record('1', entry);
    const cleanup = new RunCleanup({
      session: 's',
      entries,
      leases: new RunLeases('s'),
      isShared: () => false,
      isExempt: () => false,
      isInUse: () => true,
      signal: new AbortController().signal,
      engine: () => Promise.reject(new Error(`away ${cleanup.failures.length}`)),
      patience: (waitingFor) =>
        new EndPatience({ ping: async () => true, waitingFor, print: () => undefined }),
    });
    await cleanup.removeLeaks([entry.key]);
    await cleanup.removeLeaks([entry.key]);
    await cleanup.settled();
    expect(cleanup.failures).toMatchObject([{ message: 'away 0' }, { message: 'away 1' }]);
  });
});
