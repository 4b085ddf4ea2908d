import type { RunnerName } from './verdict';

interface RunnerAdvice {
  /** The module that tests import castoff's functions from. */
  readonly module: string;
  /** Returns the code that sets options. */
  readonly withOptions: (options: string) => string;
}

/** How users of each test runner write what the advice of a verdict mentions. */
export const runnerAdvice: Readonly<Record<RunnerName, RunnerAdvice>> = {
  jest: { module: 'castoff/jest', withOptions: (options) => `withCastoff(config, { ${options} })` },
  vitest: { module: 'castoff/vitest', withOptions: (options) => `castoff({ ${options} })` },
};
