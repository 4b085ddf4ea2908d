import { describe, expect, it } from '@jest/globals';
import { createEngine } from '../../lib/engine/engine';
import { cleanupOne } from '../../lib/resources/cleanup-one';
import { standInConnection } from '../support/stand-in-connection';

describe('a cleanup whose client cannot be loaded', () => {
  it('throws the load error immediately, without advice about the engine', async () => {
    // The message of Jest 30 between two tests.
    const error = new ReferenceError(
      'You are trying to `require` a file outside of the scope of the test code.',
    );
    let loads = 0;
    const engine = createEngine(standInConnection, false, () => {
      loads += 1;
      return Promise.reject(error);
    });
    const cleanup = cleanupOne(engine, 'network', 'app', { timeoutMs: 600_000 });
    await expect(cleanup).rejects.toBe(error);
    // An inspection by name, and the one at the start of a removal.
    expect(loads).toBe(2);
  });
});
