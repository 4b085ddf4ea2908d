import { describe, expect, it } from '@jest/globals';
import { openScope, type CloseError, type CloseReason, type Scope } from '../../lib/index';
import { rejectionOf } from '../support/rejection';
import { nextLine } from '../support/this-line';
import { until } from '../support/until';

/** Defers a finalizer per name, which adds its name to `ended`. */
function deferAll(scope: Scope, names: readonly string[], ended: string[]): void {
  for (const name of names) scope.defer(name, () => void ended.push(name));
}

describe('a child scope', () => {
  it('closes with its parent, in reverse order among the items of the parent', async () => {
    const parent = openScope();
    const ended: string[] = [];
    deferAll(parent, ['a'], ended);
    const child = parent.child('child');
    deferAll(parent, ['b'], ended);
    deferAll(child, ['child 1', 'child 2'], ended);
    await parent.close();
    expect(ended).toEqual(['b', 'child 2', 'child 1', 'a']);
    expect(() => child.defer('late', () => undefined)).toThrow(
      expect.objectContaining({ code: 'SCOPE_CLOSED' }),
    );
  });

  it('ends only its own items when it closes alone, and leaves the report of its parent', async () => {
    const parent = openScope('parent');
    const ended: string[] = [];
    deferAll(parent, ['a'], ended);
    const child = parent.child('child');
    deferAll(child, ['child 1'], ended);
    await child.close();
    expect(ended).toEqual(['child 1']);
    const { ends } = await parent.close();
    expect(ends.map(({ what }) => what)).toEqual(['a']);
    expect(ended).toEqual(['child 1', 'a']);
  });

  it('neither closes nor cancels its sibling', async () => {
    const parent = openScope();
    const ended: string[] = [];
    const [one, other] = [parent.child('one'), parent.child('other')];
    deferAll(one, ['one 1'], ended);
    deferAll(other, ['other 1'], ended);
    await one.close({ reason: 'failed' });
    expect(ended).toEqual(['one 1']);
    expect([one.signal.aborted, other.signal.aborted, parent.signal.aborted]).toEqual([true, false, false]);
    other.defer('other 2', () => void ended.push('other 2'));
    await parent.close();
    expect(ended).toEqual(['one 1', 'other 2', 'other 1']);
  });

  it("has its parent's name as a prefix, and an outcome with its own line in the parent's report", async () => {
    const parent = openScope('suite');
    const source = nextLine();
    const child = parent.child('test');
    const grandchild = child.child('row 1');
    expect([child.name, grandchild.name]).toEqual(['suite/test', 'suite/test/row 1']);
    expect(await parent.close()).toMatchObject({ ends: [{ what: 'scope suite/test', source }] });
  });

  it.each(['done', 'failed', 'cancelled', 'deadline'] as const)(
    "passes the parent's close reason to its finalizers, whether its signal was read or not: %s",
    async (reason) => {
      const parent = openScope('parent');
      const reasons: CloseReason[] = [];
      const [read, other] = [parent.child('one').child('one'), parent.child('other').child('other')];
      for (const child of [read, other]) {
        child.defer('note', (closing) => void reasons.push(closing.reason));
      }
      expect(read.signal.aborted).toBe(false);
      await parent.close({ reason });
      expect(reasons).toEqual([reason, reason]);
    },
  );

  it("keeps its own close reason when that came before its parent's", async () => {
    const parent = openScope('parent');
    const child = parent.child('child', { timeoutMs: 1 });
    const reasons: CloseReason[] = [];
    child.defer('note', (closing) => void reasons.push(closing.reason));
    await until(() => child.signal.aborted);
    await parent.close({ reason: 'failed' });
    expect(reasons).toEqual(['deadline']);
  });

  it('is cancelled with its parent, with the same reason, and so are its children', () => {
    const user = new AbortController();
    const parent = openScope('parent', { signal: user.signal });
    const child = parent.child('child');
    const grandchild = child.child('grandchild');
    const reason = new Error('no longer wanted');
    user.abort(reason);
    expect([child.signal.reason, grandchild.signal.reason]).toEqual([reason, reason]);
  });

  it('is cancelled by its own signal without cancelling its parent or sibling', () => {
    const user = new AbortController();
    const parent = openScope('parent');
    const child = parent.child('child', { signal: user.signal });
    const sibling = parent.child('sibling');
    user.abort();
    expect([child, parent, sibling].map(({ signal }) => signal.aborted)).toEqual([true, false, false]);
  });

  it("is cancelled at its parent's deadline when its own is later", async () => {
    const parent = openScope('parent', { timeoutMs: 1 });
    const { signal } = parent.child('child', { timeoutMs: 60_000 });
    await until(() => signal.aborted);
    expect(signal.reason).toMatchObject({ what: 'scope parent' });
  });

  it.each([
    ['the first to abort was a deadline', 'deadline'],
    ["the first to abort was the user's", 'cancelled'],
  ] as const)(
    'closes for the first of several reasons, even if its signal was never read: %s',
    async (_which, reason) => {
      const user = new AbortController();
      const parent = openScope('parent', { timeoutMs: 1 });
      if (reason === 'cancelled') user.abort();
      const child = parent.child('child', { signal: user.signal });
      await until(() => parent.signal.aborted);
      user.abort();
      expect(await child.close()).toMatchObject({ reason });
    },
  );
});

describe('a child scope that fails to close', () => {
  it("fails its parent's close with its own failure, named with its line in the parent's message", async () => {
    const parent = openScope('suite');
    const ended: string[] = [];
    deferAll(parent, ['a'], ended);
    const childLine = nextLine();
    const child = parent.child('test');
    const failure = new Error('no such table');
    const line = nextLine();
    child.defer('drop the table', () => Promise.reject(failure));
    const error = (await rejectionOf(parent.close())) as CloseError;
    expect(error.errors).toMatchObject([
      { code: 'CLEANUP_FAILED', errors: [failure], report: { scope: 'suite/test' } },
    ]);
    expect(error.message).toBe(
      [
        'close scope suite: 1 of 2 items failed',
        `  scope suite/test (${childLine}): close scope suite/test: 1 of 1 item failed`,
        `    drop the table (${line}): no such table`,
      ].join('\n'),
    );
    expect(ended).toEqual(['a']);
  });

  it('rejects its own close when closed alone, and does not fail the close of its parent', async () => {
    const parent = openScope('suite');
    const child = parent.child('test');
    child.defer('throws', () => Promise.reject(new Error('thrown')));
    expect(await rejectionOf(child.close())).toMatchObject({ code: 'CLEANUP_FAILED' });
    expect(await parent.close()).toMatchObject({ ends: [] });
  });

  it('finishes before its parent continues, and names its hanging finalizers', async () => {
    const parent = openScope('suite', { cleanupTimeoutMs: 40 });
    const ended: string[] = [];
    deferAll(parent, ['a'], ended);
    const child = parent.child('test');
    deferAll(child, ['child 1'], ended);
    child.defer('close the pool', () => new Promise(() => undefined));
    child.defer('drain the queue', () => new Promise(() => undefined));
    const error = (await rejectionOf(parent.close())) as CloseError;
    expect(ended).toEqual(['child 1', 'a']);
    expect(error.errors).toMatchObject([
      {
        code: 'CLEANUP_FAILED',
        errors: [
          { code: 'DEADLINE_EXCEEDED', what: 'drain the queue' },
          { code: 'DEADLINE_EXCEEDED', what: 'close the pool' },
        ],
      },
    ]);
  });

  it('gives its finalizers its own cleanup timeout, even when that of its parent is shorter', async () => {
    const parent = openScope('suite', { cleanupTimeoutMs: 20 });
    const child = parent.child('test', { cleanupTimeoutMs: 5_000 });
    let hasEnded = false;
    child.defer('drain', async ({ signal }) => {
      await until(() => signal.aborted, 80);
      hasEnded = true;
    });
    expect(await parent.close()).toMatchObject({ ends: [{ what: 'scope suite/test' }] });
    expect(hasEnded).toBe(true);
  });
});
