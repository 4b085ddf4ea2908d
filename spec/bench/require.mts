import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Job } from './paired.mts';

const run = promisify(execFile);
const { resolve } = createRequire(import.meta.url);

const timedRequire = (name: string): string =>
  `const startedAt = performance.now(); require(${JSON.stringify(resolve(name))});`;

/** What `require` costs in a fresh Node process. */
export function requireJob(rounds: number): Job {
  const contender = (name: string) => ({
    name: `require('${name}')`,
    async run() {
      const { stdout } = await run(process.execPath, [
        '-e',
        `${timedRequire(name)} console.log(performance.now() - startedAt)`,
      ]);
      return Number(stdout);
    },
  });
  return {
    name: 'require in Node',
    rounds,
    subject: contender('castoff'),
    rivals: [{ contender: contender('testcontainers'), budget: 0.1 }],
  };
}

/** What `require` costs inside a Jest test file, with Jest's own cache warm. */
export async function requireInJestJob(rounds: number): Promise<Job & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-bench-'));
  await writeFile(
    join(folder, 'jest.config.js'),
    "module.exports = { transform: {}, testEnvironment: 'node' };",
  );
  const contender = (name: string) => ({
    name: `require('${name}') in a test file`,
    async run() {
      const file = name.replace('/', '-');
      const result = join(folder, `${file}.ms`);
      await writeFile(
        join(folder, `${file}.test.js`),
        `test('require', () => { ${timedRequire(name)} require('fs').writeFileSync(${JSON.stringify(result)}, String(performance.now() - startedAt)); });`,
      );
      await run(process.execPath, [
        resolve('jest/bin/jest'),
        '--config',
        join(folder, 'jest.config.js'),
        '--runInBand',
        `${file}.test.js`,
      ]);
      return Number(await readFile(result, 'utf8'));
    },
  });
  return {
    name: 'require in Jest',
    rounds,
    subject: contender('castoff/jest'),
    rivals: [{ contender: contender('testcontainers'), budget: 0.1 }],
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
