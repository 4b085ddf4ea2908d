import { createHook } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { assertNoLeaks, findLeaks, takeSnapshot, type Snapshot } from '../../lib/diagnosis/find-leaks';
import { expectCollected } from '../../lib/diagnosis/expect-collected';
import { openScope } from '../../lib/scope/scope';
import { isCollected } from '../support/garbage';
import { nextLine } from '../support/this-line';
import { rejectionOf } from '../support/rejection';
import { withTypeScript } from '../support/with-typescript';

let since: Snapshot;
const timers: NodeJS.Timeout[] = [];
beforeEach(() => {
  since = takeSnapshot();
});
afterEach(() => {
  for (const timer of timers.splice(0)) clearTimeout(timer);
});

const leave = (timer: NodeJS.Timeout): void => void timers.push(timer);

describe('findLeaks', () => {
  it('returns what was opened since the snapshot, with the line', async () => {
    leave(setTimeout(() => undefined, 60_000));
    const later = takeSnapshot();
    const source = nextLine();
    leave(setInterval(() => undefined, 50));
    const leaks = await findLeaks({ since: later });
    expect(leaks).toEqual([
      { kind: 'interval', what: 'interval of 50 ms', source, createdAt: expect.any(String), count: 1 },
    ]);
    expect(await findLeaks({ since })).toHaveLength(2);
  });

  it('counts the handles of one line as one, and keeps lines apart', async () => {
    for (let count = 0; count < 200; count += 1) leave(setTimeout(() => undefined, 60_000));
    leave(setTimeout(() => undefined, 60_000));
    expect((await findLeaks({ since })).map(({ count }) => count)).toEqual([200, 1]);
  });

  it('finds nothing when all has been closed, and waits for what ends soon', async () => {
    clearTimeout(setTimeout(() => undefined, 60_000));
    void delay(150);
    expect(await findLeaks({ since })).toEqual([]);
  });

  it('holds nothing of the code that opened a closed handle', async () => {
    const held = (() => {
      const object = {};
      const open = (): unknown => {
        clearTimeout(setTimeout(() => undefined, 60_000));
        return object;
      };
      open();
      return new WeakRef(object);
    })();
    expect(await isCollected(held)).toBe(true);
  });

  it('sees through replaced timers', async () => {
    jest.spyOn(globalThis, 'setTimeout');
    leave(setTimeout(() => undefined, 60_000));
    jest.restoreAllMocks();
    expect(await findLeaks({ since })).toHaveLength(1);
  });

  it('is the same watch after the modules have been reset', async () => {
    leave(setTimeout(() => undefined, 60_000));
    jest.resetModules();
    const again = jest.requireActual<{ findLeaks: typeof findLeaks }>('../../lib/diagnosis/find-leaks.ts');
    expect(await again.findLeaks({ since })).toHaveLength(1);
  });

  it('rejects an unknown option, and a snapshot of its own making', async () => {
    await expect(findLeaks({ from: since } as object)).rejects.toThrow('unknown option from');
    await expect(findLeaks({ since: { takenAt: new Date() } })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  });

  it("leaves out castoff's own timers, and names a command that a scope still runs", async () => {
    const scope = openScope('handles', { timeoutMs: 60_000 });
    const source = nextLine();
    const command = scope.run('sleep', ['60']);
    expect(await findLeaks({ since })).toMatchObject([
      { kind: 'child process', what: 'child process `sleep 60`', source },
    ]);
    command.then(undefined, () => undefined);
    await scope.close();
    expect(await findLeaks({ since })).toEqual([]);
  });
});

describe('assertNoLeaks', () => {
  it('throws LEAKS_FOUND with one line for each leak', async () => {
    const first = nextLine();
    leave(setInterval(() => undefined, 50));
    const second = nextLine();
    leave(setTimeout(() => undefined, 60_000));
    expect(await rejectionOf(assertNoLeaks({ since }))).toMatchObject({
      code: 'LEAKS_FOUND',
      message: `these 2 are still open:
  interval of 50 ms, opened at ${first}
  timeout of 1 min 0 s, opened at ${second}`,
    });
  });

  it('resolves when nothing is open', async () => {
    await expect(assertNoLeaks({ since })).resolves.toBeUndefined();
  });
});

describe('in a program of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'castoff-find-leaks-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Runs a program that has the functions of `find-leaks.ts`; its standard input stays open. */
  async function runProgram(code: string, args: readonly string[] = []): Promise<string> {
    const file = join(folder, 'program.cjs');
    const lib = join(__dirname, '../../lib/diagnosis/find-leaks.ts');
    writeFileSync(
      file,
      `const { assertNoLeaks, findLeaks, takeSnapshot } = require(${JSON.stringify(lib)});\n${code}`,
    );
    const program = promisify(execFile)(process.execPath, [...withTypeScript, ...args, file], {
      cwd: folder,
    });
    const { stdout } = await program;
    return stdout;
  }

  it('names the line that reads standard input, also where it has been read before', async () => {
    const printed = await runProgram(`
      const { createInterface } = require('node:readline');
      createInterface({ input: process.stdin }).close();
      setTimeout(async () => {
        takeSnapshot();
        const reader = createInterface({ input: process.stdin });
        setTimeout(async () => {
          console.log(JSON.stringify(await findLeaks()));
          reader.close();
          console.log(JSON.stringify(await findLeaks()));
        });
      }, 10);`);
    const [open = '', closed] = printed.split('\n');
    expect(JSON.parse(open)).toMatchObject([{ kind: 'standard input', source: 'program.cjs:7' }]);
    expect(closed).toBe('[]');
  });

  it('names each line that reads standard input, also where it is read already, until it stops', async () => {
    const printed = await runProgram(`
      const { createInterface } = require('node:readline');
      (async () => {
        const report = async (since) => console.log(JSON.stringify(await findLeaks({ since })));
        const first = takeSnapshot();
        process.stdin.on('data', () => {});
        await report(first);
        const second = takeSnapshot();
        const reader = createInterface({ input: process.stdin });
        await report(second);
        reader.close();
        await report(second);
        const third = takeSnapshot();
        void (async () => {
          for await (const line of process.stdin) console.log(line);
        })();
        await report(third);
        process.exit();
      })();`);
    const reports = printed
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    const readerAt = (line: number) => [{ kind: 'standard input', source: `program.cjs:${line}` }];
    expect(reports).toMatchObject([readerAt(7), readerAt(10), [], readerAt(16)]);
  });

  it('has no alarm for handles of node:test, and fails the test that leaves one', async () => {
    const run = runProgram(
      `const { test, beforeEach, afterEach } = require('node:test');
      let since;
      beforeEach(() => { since = takeSnapshot(); });
      afterEach(() => assertNoLeaks({ since }));
      const timers = [];
      test('clean', { timeout: 60_000 }, () => new Promise((done) => setTimeout(done, 10)));
      test('leaves', () => void timers.push(setInterval(() => {}, 50)));
      test('ends it', () => clearInterval(timers[0]));`,
      ['--test-reporter=tap'],
    );
    const { stdout } = (await rejectionOf(run)) as { readonly stdout: string };
    expect(stdout).toMatch(/^ok 1 - clean$/m);
    expect(stdout).toMatch(/^not ok 2 - leaves$/m);
    expect(stdout).toContain('interval of 50 ms, opened at program.cjs:8');
    expect(stdout).toMatch(/^ok 3 - ends it$/m);
  });

  it('lets the process end', async () => {
    await expect(runProgram("takeSnapshot(); console.log('ends');")).resolves.toBe('ends\n');
  });
});

describe('the watch', () => {
  it('creates no asynchronous resource', async () => {
    takeSnapshot();
    const created: string[] = [];
    const counter = createHook({
      init: (_id, type) => void (type === 'PROMISE' || created.push(type)),
    }).enable();
    const timer = setTimeout(() => undefined, 60_000);
    takeSnapshot();
    counter.disable();
    clearTimeout(timer);
    expect(created).toEqual(['Timeout']);
  });

  it('survives a recursion that uses up the stack', () => {
    const recurse = (): void => {
      clearTimeout(setTimeout(() => undefined, 60_000));
      recurse();
    };
    expect(recurse).toThrow(RangeError);
  });

  it("leaves the limit of the user's stacks alone", () => {
    Error.stackTraceLimit = 3;
    leave(setTimeout(() => undefined, 60_000));
    expect(Error.stackTraceLimit).toBe(3);
    Error.stackTraceLimit = 10;
  });

  it('does not hold an object whose methods opened and closed a handle', async () => {
    class Cache {
      start(): void {
        clearInterval(setInterval(() => undefined, 60_000));
      }
    }
    const cache = (() => {
      const created = new Cache();
      created.start();
      return new WeakRef(created);
    })();
    await expect(expectCollected(cache, { timeoutMs: 200 })).resolves.toBeUndefined();
  });
});
