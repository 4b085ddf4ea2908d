import { definedOnly } from '../core/defined-only';
import { CastoffError } from '../core/errors';
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
}

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
      // Benchmarks have a runner of their own.
      if (vitest.mode !== 'test') return;
      checkProject(project);
      runOf(vitest, definedOptions).add(project, definedOptions);
      code = runnerModule(project.config.runner, vitest.version);
      project.config.runner = runnerId;
    },
    resolveId: (id) => (id === runnerId ? moduleId : undefined),
    load: (id) => (id === moduleId ? code : undefined),
  };
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
