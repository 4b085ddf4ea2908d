import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { callerSourceLine, firstSourceLine } from '../../lib/core/source-line';

const folder = join(process.cwd(), 'some', 'where');
const file = join(folder, 'spec', 'a.spec.ts');

describe('the calling line', () => {
  it.each([
    ['of a function', `    at Object.<anonymous> (${file}:12:5)`, 'spec/a.spec.ts:12'],
    ['of an awaited function', `    at async start (${file}:3:1)`, 'spec/a.spec.ts:3'],
    ['of a module', `    at ${file}:7:9`, 'spec/a.spec.ts:7'],
    ['of an ES module', `    at async ${pathToFileURL(file).href}:3:1`, 'spec/a.spec.ts:3'],
    ['of a constructor', `    at new Thing (${file}:1:2)`, 'spec/a.spec.ts:1'],
    ['of a method with another name', `    at Thing.one [as two] (${file}:1:2)`, 'spec/a.spec.ts:1'],
    [
      'above frames without a file',
      `    at new Promise (<anonymous>)\n    at Array.map (native)\n    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)\n    at x (${file}:8:1)`,
      'spec/a.spec.ts:8',
    ],
    ['of the first of several files', `    at x (${file}:8:1)\n    at y (${file}:9:1)`, 'spec/a.spec.ts:8'],
  ])('is read from a stack: %s', (_what, stack, expected) => {
    expect(firstSourceLine(stack, folder)).toBe(expected);
  });

  it('has the full path of a file outside the folder', () => {
    const other = join(process.cwd(), 'elsewhere', 'b.ts');
    expect(firstSourceLine(`    at x (${other}:1:1)`, folder)).toBe(`${other}:1`);
  });

  it('is the first one outside the excluded folder', () => {
    const dist = join(process.cwd(), 'node_modules', 'castoff', 'dist');
    const frames = [
      `    at Scope.start (${join(dist, 'chunks', 'scope.js')}:1:1)`,
      `    at start (${pathToFileURL(join(dist, 'jest.js')).href}:2:2)`,
      `    at Object.<anonymous> (${dist}-like/a.js:3:3)`,
    ];
    expect(firstSourceLine(frames.join('\n'), process.cwd(), dist)).toBe(
      'node_modules/castoff/dist-like/a.js:3',
    );
  });

  it.each([
    ['a stack without files', '    at new Promise (<anonymous>)\n    at node:internal/timers:1:2'],
    ['an empty stack', ''],
  ])('is undefined for %s', (_what, stack) => {
    expect(firstSourceLine(stack, folder)).toBeUndefined();
  });

  it('is that of the caller of the function that requests it', () => {
    const start = (): string | undefined => callerSourceLine();
    const here = start();
    expect(here).toMatch(/^spec\/unit\/source-line\.spec\.ts:\d+$/);
    expect(start()).not.toBe(here);
  });
});
