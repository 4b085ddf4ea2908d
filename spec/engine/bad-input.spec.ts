import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { isCastoffError, type CleanupOptions, type Ref } from '../../lib/index';
import { cleanupByKind } from '../support/cleanup-by-kind';
import { openFaultProxy, type FaultProxy } from '../support/fault-proxy';
import { createIdleThing, exists, removeByHand, uniqueName } from '../support/things';

const kinds = ['container', 'network', 'volume', 'image'] as const;

let proxy: FaultProxy;
beforeAll(async () => void (proxy = await openFaultProxy()));
afterAll(() => proxy.close());
let callsBefore = 0;
beforeEach(() => void (callsBefore = proxy.calls.length));

describe.each(kinds)('cleanup of a %s', (kind) => {
  let id: string;
  beforeAll(async () => void (id = await createIdleThing(kind)));
  afterAll(() => removeByHand(kind, id));

  const ask = async (ref: unknown, options: CleanupOptions = {}): Promise<unknown> =>
    cleanupByKind[kind](ref as Ref, { engine: proxy.address, ...options }).catch((reason: unknown) => reason);

  it.each(['', '..', '/', 'a//b', {}, { id: 7 }, 42, NaN])(
    'rejects %p without calling the engine',
    async (ref) => {
      expect(isCastoffError(await ask(ref), 'CONFIG_INVALID')).toBe(true);
      expect(proxy.calls).toHaveLength(callsBefore);
    },
  );

  it.each<[keyof CleanupOptions, unknown]>([
    ['timeoutMs', -1],
    ['timeoutMs', NaN],
    ['timeoutMs', Infinity],
    ['timeoutMs', 2 ** 31],
    ['timeoutMs', '1000'],
    ['stopTimeoutMs', -1],
    ['stopTimeoutMs', NaN],
    ['stopTimeoutMs', '10'],
  ])('rejects %s %p by name, without calling the engine', async (option, value) => {
    const error = await ask(id, { [option]: value });
    expect(isCastoffError(error, 'CONFIG_INVALID')).toBe(true);
    expect(error).toMatchObject({ message: expect.stringContaining(`${option}: got ${String(value)}`) });
    expect(proxy.calls).toHaveLength(callsBefore);
    expect(await exists(kind, id)).toBe(true);
  });

  it('rejects with the reason of an aborted signal, without calling the engine', async () => {
    const reason = { not: 'even an error' };
    expect(await ask(id, { signal: AbortSignal.abort(reason) })).toBe(reason);
    expect(proxy.calls).toHaveLength(callsBefore);
    expect(await exists(kind, id)).toBe(true);
  });

  it.each([undefined, null])('resolves to skipped for %s, without calling the engine', async (ref) => {
    expect(await ask(ref)).toMatchObject({ outcome: 'skipped' });
    expect(proxy.calls).toHaveLength(callsBefore);
  });

  it.each([
    ['an id', randomBytes(32).toString('hex')],
    ['a short id', randomBytes(6).toString('hex')],
    ['a name', uniqueName()],
  ])('resolves to already-gone for %s that does not exist', async (_what, ref) => {
    expect(await ask(ref)).toMatchObject({ kind, id: ref, outcome: 'already-gone' });
  });
});

describe.each(['container', 'network', 'volume'] as const)('cleanup of a %s', (kind) => {
  it.each(['a?force=1', 'a#b', '%2e%2e', 'a%2Fb', 'a/json', 'a/…/b'])(
    'escapes %s in the request path',
    async (ref) => {
      const cleanup = cleanupByKind[kind](ref, { engine: proxy.address });
      expect(await cleanup).toMatchObject({ id: ref, outcome: 'already-gone', attempts: 0 });
      const paths = proxy.calls.slice(callsBefore).map(({ path }) => path);
      const expected = `/${kind}s/${encodeURIComponent(ref)}${kind === 'container' ? '/json' : ''}`;
      expect(paths.filter((path) => path !== '/_ping')).toEqual([expected]);
    },
  );
});

it('rejects an invalid image name with the engine’s message', async () => {
  const cleanup = cleanupByKind.image('a?force=1', { engine: proxy.address });
  await expect(cleanup).rejects.toMatchObject({
    code: 'CLEANUP_FAILED',
    message: expect.stringMatching(/^remove image a\?force=1: 400 .*invalid reference format/),
  });
});
