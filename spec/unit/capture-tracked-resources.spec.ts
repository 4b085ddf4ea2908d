import { describe, expect, it } from '@jest/globals';
import { TrackedResources } from '../../lib/capture/tracked-resources';
import { sessionIdentity } from '../../lib/registry/session-identity';

describe('TrackedResources', () => {
  it('waits only once for pending work that never finishes', async () => {
    const { id: session, registry } = sessionIdentity();
    const tracked = new TrackedResources({
      session,
      registry,
      attribution: () => undefined,
      ready: async () => undefined,
      claim: async () => undefined,
      release: async () => undefined,
      reportUnlabelled: () => undefined,
    });
    tracked.addPending(new Promise(() => undefined));
    await tracked.settle(1);
    // Longer than the timeout of a spec.
    await expect(tracked.settle(600_000)).resolves.toBeUndefined();
  });
});
