import { dirname, join } from 'node:path';

/** The module id of castoff's runner, which {@link runnerModule} is the code of. */
export const runnerId = 'virtual:castoff/runner';

/**
 * Returns the code of the module that exports castoff's runner around that of the user. Vite transforms it, and
 * so the user's runner, which may be TypeScript.
 *
 * @param userRunner - Absolute path of the user's runner.
 * @param version - Version of Vitest.
 */
export function runnerModule(userRunner: string | undefined, version: string): string {
  const worker = join(dirname(require.resolve('castoff/vitest/plugin')), 'worker.js');
  return [
    "import { inject } from 'vitest';",
    hasTestRunner(version)
      ? "import { TestRunner as Default } from 'vitest'; const { getTestFn: getFn, getSuiteHooks: getHooks } = Default;"
      : "import { VitestTestRunner as Default } from 'vitest/runners'; import { getFn, getHooks } from 'vitest/suite';",
    userRunner === undefined
      ? 'const Base = Default;'
      : `import Base from ${JSON.stringify(userRunner.replaceAll('\\', '/'))};`,
    // Node's own `require`: in pools with contexts, that of Vitest would load castoff once per test file.
    `const require = process.getBuiltinModule('node:module').createRequire(${JSON.stringify(worker)});`,
    `const { watchRunner } = require(${JSON.stringify(worker)});`,
    'export default watchRunner(Base, { getFn, getHooks, inject }, globalThis);',
  ].join('\n');
}

/** Whether the module `vitest` has the runner: the entries that had it before are deprecated since Vitest 4.1. */
function hasTestRunner(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 4 || (major === 4 && minor >= 1);
}
