import { describe, expect, it } from '@jest/globals';
import { stackHere, userLineHere, userLineIn } from '../../lib/capture/user-line';
import { nextLine } from '../support/this-line';

const lineOf = (...frames: readonly string[]) =>
  userLineIn(stackOf(frames), undefined, '/app/packages/castoff/dist', '/app');
const stackOf = (frames: readonly string[]): string =>
  ['Error', ...frames.map((frame) => `    ${frame}`)].join('\n');

describe('userLineIn', () => {
  it('returns the first frame outside Node.js, packages and castoff', () => {
    expect(
      lineOf(
        'at seeRequest (/app/packages/castoff/dist/chunks/raw.js:10:5)',
        'at new ClientRequest (node:_http_client:412:5)',
        'at Modem.dial (/app/node_modules/docker-modem/lib/modem.js:151:12)',
        'at new Promise (<anonymous>)',
        'at process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
        'at async GenericContainer.start (/app/node_modules/.pnpm/testcontainers@12.2.0/node_modules/testcontainers/build/a.js:1:1)',
        'at async Promise.all (index 0)',
        'at async startDatabase (/app/spec/support/database.ts:14:9)',
        'at async Object.<anonymous> (/app/spec/orders.test.ts:31:5)',
      ),
    ).toBe('spec/support/database.ts:14');
  });

  it('prefers a frame in the running test file', () => {
    const frames = stackOf([
      'at async startDatabase (/app/spec/support/database.ts:14:9)',
      'at async Object.<anonymous> (/app/spec/orders.test.ts:31:5)',
      'at async Object.<anonymous> (/app/spec/orders.test.ts:90:5)',
    ]);
    const of = (testFile: string) => userLineIn(frames, testFile, '/c', '/app');
    expect(of('/app/spec/orders.test.ts')).toBe('spec/orders.test.ts:31');
    expect(of('/app/spec/other.test.ts')).toBe('spec/support/database.ts:14');
  });

  it.each([
    'at ModuleExecutor.exec (/app/node_modules/jest-runtime/build/index.js:3055:26)',
    'at Runtime._execModule (/app/node_modules/jest-runtime/build/index.js:1439:24)',
    'at Module._compile (node:internal/modules/cjs/loader:1871:14)',
    'at VitestExecutor.runModule (file:///app/node_modules/vite-node/dist/client.mjs:397:4)',
    'at VitestModuleEvaluator._runInlinedModule (file:///app/node_modules/vitest/dist/module-evaluator.js:206:4)',
  ])('prefers the line of a module that loads to that of the test file that requires it: %s', (load) => {
    const frames = stackOf([
      'at poll (/app/lib/poll.ts:3:1)',
      'at Object.setInterval (/app/lib/metrics.ts:2:1)',
      load,
      'at Object.require (/app/spec/orders.test.ts:1:17)',
      load,
    ]);
    expect(userLineIn(frames, '/app/spec/orders.test.ts', '/c', '/app')).toBe('lib/poll.ts:3');
    expect(userLineIn(frames, '/app/lib/metrics.ts', '/c', '/app')).toBe('lib/metrics.ts:2');
  });

  it('parses frames of ES modules and frames without a function', () => {
    expect(lineOf('at async file:///app/spec/orders.test.mjs:7:3')).toBe('spec/orders.test.mjs:7');
    expect(lineOf('at async /app/packages/castoff/dist/index.js:1:1', 'at /app/a.js:7:3')).toBe('a.js:7');
  });

  it('does not mistake a folder with the same prefix for castoff’s own', () => {
    expect(lineOf('at f (/app/packages/castoff/dist-tests/a.js:7:3)')).toBe(
      'packages/castoff/dist-tests/a.js:7',
    );
  });

  it('returns undefined if the stack has no user frame', () => {
    expect(lineOf('at Modem.dial (/app/node_modules/docker-modem/lib/modem.js:151:12)')).toBeUndefined();
  });
});

describe('userLineHere', () => {
  it('returns the calling line outside castoff', () => {
    const line = nextLine();
    expect(userLineHere()).toBe(line);
  });

  it('restores the stack trace limit, and tolerates a custom prepareStackTrace', () => {
    const before = Error.stackTraceLimit;
    userLineHere();
    expect(Error.stackTraceLimit).toBe(before);
    const prepare = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace');
    Error.prepareStackTrace = (_, sites) => sites;
    try {
      expect([stackHere(5), userLineHere()]).toEqual([undefined, undefined]);
    } finally {
      Reflect.deleteProperty(Error, 'prepareStackTrace');
      if (prepare !== undefined) Object.defineProperty(Error, 'prepareStackTrace', prepare);
    }
  });
});
