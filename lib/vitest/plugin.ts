import { definedOnly } from '../core/defined-only';
import { readVariable } from '../core/environment';
import { CastoffError } from '../core/errors';
import { print } from '../core/print';
import { checkOptions, type CastoffOptions } from '../runner/options';
import { runnerId, runnerModule } from './runner-module';
import type { Vitest, VitestProject } from './user-vitest';
import { runOf } from './vitest-run';

export type { CastoffOptions };

/** The plugin of {@link castoff}, for Vite's `plugins`. */
export interface CastoffPlugin {
  readonly name: 'castoff';
  readonly configureVitest: (context: { readonly vitest: Vitest; readonly project: VitestProject }) => void;
  readonly resolveId: (id: string) => string | undefined;
  readonly load: (id: string) => string | undefined;
  readonly closeBundle: () => void;
}

/** Whether Vitest has called the plugin of a project, or castoff has reported that it has not. */
let isSettled = false;

/**
 * Returns a plugin that adds castoff to a project of Vitest: everything that its tests create belongs to the run,
 * which removes it and reports what has leaked. It keeps the project's runner, environment, global setups and
 * setup files.
 *
 * @param options - Take precedence over environment variables, and these over the defaults.
 * @throws CastoffError `CONFIG_INVALID` for an unknown option or an invalid value.
 */
export function castoff(options: CastoffOptions = {}): CastoffPlugin {
  const definedOptions = definedOnly(checkOptions(options, 'castoff'));
  const moduleId = `\0${runnerId}`;
  let code: string | undefined;
  return {
    name: 'castoff',
    configureVitest({ vitest, project }) {
      isSettled = true;
      // Benchmarks have a runner of their own.
      if (vitest.mode !== 'test') return;
      checkProject(project);
      runOf(vitest, definedOptions).add(project, definedOptions);
      code = runnerModule(project.config.runner, vitest.version);
      project.config.runner = runnerId;
    },
    resolveId: (id) => (id === runnerId ? moduleId : undefined),
    load: (id) => (id === moduleId ? code : undefined),
    closeBundle: failUnwatched,
  };
}

/** Fails a run of Vitest that has not called the plugin. Vite calls this at the end of each server. */
function failUnwatched(): void {
  // A test may start a server with the same config.
  if (isSettled || readVariable('VITEST') === undefined || readVariable('VITEST_WORKER_ID') !== undefined)
    return;
  isSettled = true;
  print(
    'no test file of this run was watched; use Vitest 3.2 or later, and set extends: true in each project, or add castoff() to its plugins: projects do not inherit those of the root config',
  );
  process.exitCode ||= 1;
}

/** @throws CastoffError `CONFIG_INVALID` when castoff cannot watch a project */
function checkProject({ name, config: { browser, experimental } }: VitestProject): void {
  const what = name === '' ? 'castoff/vitest' : `castoff/vitest: project ${name}`;
  if (browser?.enabled === true) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `${what}: its tests run in a browser, where castoff cannot watch them; add castoff() only to projects that run in Node.js`,
    );
  }
  if (experimental?.viteModuleRunner === false) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `${what}: castoff cannot run with experimental.viteModuleRunner: false; remove that option`,
    );
  }
}
