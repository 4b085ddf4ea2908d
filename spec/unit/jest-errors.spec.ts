import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { CastoffError } from '../../lib/core/errors';
import { closeErrors } from '../../lib/jest/close-errors';
import { TestContext } from '../../lib/runner/test-context';
import { addToMessage, hideOwnFrames, insertBelowMessage } from '../../lib/runner/test-errors';
import { CloseError, type FinalizerEnd } from '../../lib/scope/close-report';

describe('words about a failure', () => {
  it('go between its message and its stack', () => {
    const stack =
      'Error: expected 3\nreceived 4\n    at Object.<anonymous> (/app/a.spec.js:3:9)\n    at next (x.js:1:1)';
    expect(insertBelowMessage(stack, 'container web: exited')).toBe(
      'Error: expected 3\nreceived 4\n\ncontainer web: exited\n    at Object.<anonymous> (/app/a.spec.js:3:9)\n    at next (x.js:1:1)',
    );
  });

  it('go to its end where it has no stack', () => {
    expect(insertBelowMessage('assert.equal(a, b)', 'container web: exited')).toBe(
      'assert.equal(a, b)\n\ncontainer web: exited',
    );
  });

  it('are put into the very error that was thrown, alone or beside the one that knows the line', () => {
    const error = new Error('no');
    const asyncError = new Error('line');
    expect(addToMessage(error, 'words')).toBe(error);
    expect(error.stack).toContain('Error: no\n\nwords\n    at ');
    const entry = [new Error('no'), asyncError];
    expect(addToMessage(entry, 'words')).toBe(entry);
    expect((entry[0] as Error).stack).toContain('Error: no\n\nwords\n    at ');
    expect(asyncError.stack).not.toContain('words');
  });

  it('are put into what Jest makes of an error of node:assert, which has a message alone', () => {
    const entry = { message: 'assert.equal(a, b)\n    at a.spec.js:3:9' };
    expect(addToMessage(entry, 'words')).toEqual({
      message: 'assert.equal(a, b)\n\nwords\n    at a.spec.js:3:9',
    });
  });

  it('are put into the error that stands for what was never thrown, a timeout', () => {
    const asyncError = new Error('thrown: "Exceeded timeout of 5000 ms"');
    expect(addToMessage([null, asyncError], 'words')).toEqual([null, asyncError]);
    expect(asyncError.stack).toContain('of 5000 ms"\n\nwords\n    at ');
  });

  it.each([
    ['a string', 'boom', `thrown: "boom"\n\nwords\n    at `],
    [
      'a timeout',
      'Exceeded timeout of 5 ms.\nAdd more',
      'thrown: "Exceeded timeout of 5 ms.\nAdd more"\n\nwords\n    at ',
    ],
    ['undefined', undefined, 'words\n    at '],
  ])('stand in an error with the line of the test where %s was thrown', (_, thrown, text) => {
    const made = addToMessage([thrown, new Error('')], 'words') as Error | [unknown, Error];
    const error = Array.isArray(made) ? made[1] : made;
    expect(error.stack).toContain(text);
    expect(error.stack).toContain('jest-errors.spec.ts');
  });

  it('are put into a copy of an error that cannot be changed', () => {
    const error = Object.freeze(new Error('no'));
    expect((addToMessage(error, 'words') as Error).stack).toContain('Error: no\n\nwords\n    at ');
  });
});

describe('the frames of castoff', () => {
  const own = `    at placed (${join(__dirname, '../../lib/jest/run-in-contexts.ts')}:31:12)`;
  const stack = `Error: no\n    at fails (/app/a.spec.js:3:9)\n${own}`;

  it.each([
    [
      'a stack',
      { message: 'no', stack },
      { message: 'no', stack: 'Error: no\n    at fails (/app/a.spec.js:3:9)' },
    ],
    [
      'a message that has the stack in it',
      { message: stack },
      { message: 'Error: no\n    at fails (/app/a.spec.js:3:9)' },
    ],
    [
      'both of a pair',
      [
        { message: 'no', stack },
        { message: 'line', stack: `line\n${own}` },
      ],
      [
        { message: 'no', stack: 'Error: no\n    at fails (/app/a.spec.js:3:9)' },
        { message: 'line', stack: 'line' },
      ],
    ],
    ['what is no error', 'boom', 'boom'],
    ['what cannot be changed', Object.freeze({ message: 'no', stack }), { message: 'no', stack }],
  ])('are taken out of %s, as far as that is possible', (_, entry, after) => {
    hideOwnFrames(entry);
    expect(entry).toEqual(after);
  });
});

describe('what goes wrong when a place closes', () => {
  const place = new TestContext('a.spec.js');
  const close = (ends: readonly FinalizerEnd[]) =>
    closeErrors(place, new CloseError({ scope: place.name, reason: 'done', durationMs: 1, ends }));

  it('is one error for each failure, with its line and its own stack, and nothing that says it again', () => {
    // As what a sandbox throws, it is no `Error` of this realm.
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

  it('keeps all that a scope inside it says', () => {
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

  it('is the error itself where it is none of a close', () => {
    const error = new CastoffError('ENGINE_UNREACHABLE', 'no engine');
    expect(closeErrors(place, error)).toEqual([error]);
  });
});
