import { beforeAll, describe, expect, it } from '@jest/globals';
import { runJest } from '../support/jest-run';
import { isLong } from '../support/spec-size';

const queue = `
  exports.Queue = class {
    waiting = [];
    take(callback) { this.waiting.push(callback); }
    async drain() { while (!this.isEmpty) await new Promise((resolve) => setTimeout(resolve, 20)); }
  };
`;

/** By the file and title of a test, texts of its finding. */
const findings: readonly (readonly [string, string, ...string[]])[] = [
  [
    'compiled.test.ts',
    'waits in a helper',
    'waits at helper.ts:6: await once(bus, name);',
    "variable bus → EventEmitter → a listener of 'ready'",
    'called at compiled.test.ts:8: await waitFor(bus',
    'looked at twice, 200 ms apart: unmoved',
  ],
  [
    'compiled.test.ts',
    'calls nothing back',
    'waits for the callback done of the function at compiled.test.ts:11',
    'nothing can wake it',
  ],
  [
    'compiled.test.ts',
    'Test suite failed to run',
    'waits at helper.ts:6: await once(bus, name);',
    'called at compiled.test.ts:21: await waitFor(bus',
    'open: close scope orders has been waiting for stop the clock (compiled.test.ts:20) for',
  ],
  [
    'native.test.mjs',
    'returns a promise',
    'waits for the promise of the function at native.test.mjs:9',
    "variable bus → EventEmitter → a listener of 'returned'",
  ],
  ['native.test.mjs', 'is one of a table: 1', 'waits at native.test.mjs:12', 'nothing can wake it'],
  ['native.test.mjs', 'iterates over events', 'waits at native.test.mjs:16', "a listener of 'tick'"],
  ['native.test.mjs', 'iterates over a stream', 'waits at native.test.mjs:20: for await ('],
  [
    'native.test.mjs',
    'iterates over its own generator',
    'generate waits at native.test.mjs:26',
    "a listener of 'next'",
    'called at native.test.mjs:28',
  ],
  [
    'native.test.mjs',
    'waits for several',
    'receive waits at native.test.mjs:33',
    "a listener of 'message'",
    'drain waits at native.test.mjs:36',
    "a listener of 'drain'",
    'called at native.test.mjs:38',
  ],
  ['native.test.mjs', 'waits in a package', 'waits at native.test.mjs:42', 'it loops in drain'],
  [
    'native.test.mjs',
    'waits for a callback',
    'waits at native.test.mjs:46',
    'variable queue → exports.Queue → .waiting → Array → [0] → a function (native.test.mjs:47)',
  ],
  [
    'native.test.mjs',
    'waits for a response',
    'waits at native.test.mjs:55: await fetch(',
    'open: connection to 127.0.0.1:',
  ],
];

const files = isLong ? ['compiled.test.ts', 'native.test.mjs'] : ['compiled.test.ts'];

describe('the message of a test that timed out', () => {
  let stderr: string;
  beforeAll(async () => {
    ({ stderr } = await runJest('hang-shapes', {
      args: ['--runInBand', '--forceExit', ...files],
      files: { 'node_modules/queue/index.js': queue },
    }));
  }, 600_000);

  it.each(findings.filter(([file]) => files.includes(file)))(
    'in %s, %s: has the line that waits, and what can end the wait',
    (_file, title, ...texts) => {
      const message = stderr.split('\n  ● ').find((part) => part.startsWith(`${title}\n`)) ?? '';
      for (const text of texts) expect(message).toContain(text);
      if (!texts.includes('nothing can wake it')) expect(message).not.toContain('nothing can wake it');
    },
  );
});
