import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { CastoffError } from '../../lib/core/errors';
import { addToEntry, errorsOf } from '../../lib/jest/circus';
import { TestContext } from '../../lib/runner/test-context';
import { closeErrors } from '../../lib/runner/close-errors';
import { hideOwnFrames, insertBelowMessage } from '../../lib/runner/test-errors';
import { CloseError } from '../../lib/scope/close-error';
import type { FinalizerEnd } from '../../lib/scope/close-report';

describe('text added to the error of a test', () => {
  it('goes between the message and the stack', () => {
    const stack =
      'Error: expected 3\nreceived 4\n    at Object.<anonymous> (/app/a.spec.js:3:9)\n    at next (x.js:1:1)';
    expect(insertBelowMessage(stack, 'container web: exited')).toBe(
      'Error: expected 3\nreceived 4\n\ncontainer web: exited\n    at Object.<anonymous> (/app/a.spec.js:3:9)\n    at next (x.js:1:1)',
    );
  });

  it('goes to the end of an error without a stack', () => {
    expect(insertBelowMessage('assert.equal(a, b)', 'container web: exited')).toBe(
      'assert.equal(a, b)\n\ncontainer web: exited',
    );
  });

  it('changes the thrown error itself, alone or in a pair with the error of the line', () => {
    const error = new Error('no');
    const asyncError = new Error('line');
    expect(addToEntry(error, 'added text')).toBe(error);
    expect(error.stack).toContain('Error: no\n\nadded text\n    at ');
    const entry = [new Error('no'), asyncError];
    expect(addToEntry(entry, 'added text')).toBe(entry);
    expect((entry[0] as Error).stack).toContain('Error: no\n\nadded text\n    at ');
    expect(asyncError.stack).not.toContain('added text');
  });

  it('changes the message of a converted error of node:assert, which has no stack', () => {
    const entry = { message: 'assert.equal(a, b)\n    at a.spec.js:3:9' };
    expect(addToEntry(entry, 'added text')).toEqual({
      message: 'assert.equal(a, b)\n\nadded text\n    at a.spec.js:3:9',
    });
  });

  it('changes the second error of a pair without a thrown value, as of a timeout', () => {
    const asyncError = new Error('thrown: "Exceeded timeout of 5000 ms"');
    expect(addToEntry([null, asyncError], 'added text')).toEqual([null, asyncError]);
    expect(asyncError.stack).toContain('of 5000 ms"\n\nadded text\n    at ');
  });

  it.each([
    ['a string', 'boom', `thrown: "boom"\n\nadded text\n    at `],
    [
      'a timeout',
      'Exceeded timeout of 5 ms.\nAdd more',
      'thrown: "Exceeded timeout of 5 ms.\nAdd more"\n\nadded text\n    at ',
    ],
    ['undefined', undefined, 'added text\n    at '],
  ])('goes into an error with the line of the test if %s was thrown', (_, thrown, expected) => {
    const changed = addToEntry([thrown, new Error('')], 'added text') as Error | [unknown, Error];
    const error = Array.isArray(changed) ? changed[1] : changed;
    expect(error.stack).toContain(expected);
    expect(error.stack).toContain('jest-errors.spec.ts');
  });

  it('goes into a copy of a frozen error', () => {
    const error = Object.freeze(new Error('no'));
    expect((addToEntry(error, 'added text') as Error).stack).toContain('Error: no\n\nadded text\n    at ');
  });
});

describe("castoff's frames", () => {
  const own = `    at placed (${join(__dirname, '../../lib/jest/run-in-contexts.ts')}:31:12)`;
  const stack = `Error: no\n    at fails (/app/a.spec.js:3:9)\n${own}`;

  it.each([
    [
      'a stack',
      { message: 'no', stack },
      { message: 'no', stack: 'Error: no\n    at fails (/app/a.spec.js:3:9)' },
    ],
    [
      'a message that includes the stack',
      { message: stack },
      { message: 'Error: no\n    at fails (/app/a.spec.js:3:9)' },
    ],
    [
      'both errors of a pair',
      [
        { message: 'no', stack },
        { message: 'line', stack: `line\n${own}` },
      ],
      [
        { message: 'no', stack: 'Error: no\n    at fails (/app/a.spec.js:3:9)' },
        { message: 'line', stack: 'line' },
      ],
    ],
    ['a string, unchanged', 'boom', 'boom'],
    ['a frozen error, unchanged', Object.freeze({ message: 'no', stack }), { message: 'no', stack }],
  ])('are removed from %s', (_, entry, after) => {
    errorsOf(entry).forEach(hideOwnFrames);
    expect(entry).toEqual(after);
  });
});

describe('the failed close of a context', () => {
  const context = new TestContext('a.spec.js');
  const close = (ends: readonly FinalizerEnd[]) =>
    closeErrors(context, new CloseError({ scope: context.name, reason: 'done', durationMs: 1, ends }));

  it('becomes one error per failure, with its line and its own stack, and no nested errors', () => {
    // An error of a sandbox is not an instance of this realm's `Error`.
    const boom = runInNewContext("new Error('boom', { cause: 'why' })") as Error;
    const errors = close([
      { what: 'stop server', source: 'a.spec.js:3', durationMs: 1, error: boom },
      { what: 'container web', durationMs: 1 },
      { what: 'remove files', durationMs: 1, error: 'EPERM' },
    ]);
    expect(errors.map(({ message }) => message)).toEqual([
      'after a.spec.js: stop server (a.spec.js:3): boom',
      'after a.spec.js: remove files: EPERM',
    ]);
    expect(errors[0]).toMatchObject({ code: 'CLEANUP_FAILED', cause: boom.cause });
    expect(boom.stack).toContain('\n    at ');
    expect(errors[0]!.stack).toBe(
      `CastoffError: ${errors[0]!.message}\n${boom.stack!.split('\n').slice(1).join('\n')}`,
    );
    expect(errors.some((error) => 'errors' in error)).toBe(false);
  });

  it('keeps the message of a nested scope', () => {
    const inner = new CloseError({
      scope: 'inner',
      reason: 'done',
      durationMs: 1,
      ends: [{ what: 'stop server', durationMs: 1, error: new Error('boom') }],
    });
    const [error] = close([{ what: 'scope inner', durationMs: 1, error: inner }]);
    expect(error!.message).toBe(
      'after a.spec.js: scope inner: close scope inner: 1 of 1 item failed\n  stop server: boom',
    );
  });

  it('is passed on if it is another error', () => {
    const error = new CastoffError('ENGINE_UNREACHABLE', 'no engine');
    expect(closeErrors(context, error)).toEqual([error]);
  });
});
