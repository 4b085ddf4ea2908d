import { describe, expect, it } from '@jest/globals';
import { castoff, type CastoffOptions } from '../../lib/vitest/plugin';
import { runnerModule } from '../../lib/vitest/runner-module';
import type { Vitest, VitestProject } from '../../lib/vitest/user-vitest';

const configInvalid = (message: string | RegExp) =>
  expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) });

const vitestOf = (mode = 'test'): Vitest => ({
  version: '4.1.0',
  mode,
  projects: [],
  config: { root: '/app', reporters: [] },
  onClose: () => undefined,
});

const projectOf = (config: VitestProject['config'] = {}, name = 'api'): VitestProject => ({
  name,
  config,
  provide: () => undefined,
});

function configure(
  project: VitestProject,
  { vitest = vitestOf(), options }: { vitest?: Vitest; options?: CastoffOptions } = {},
) {
  const plugin = castoff(options);
  plugin.configureVitest({ vitest, project });
  return plugin;
}

describe('castoff() for Vitest', () => {
  it('replaces the runner of a project by one around it', () => {
    const project = projectOf({ runner: '/app/own-runner.ts' });
    const { resolveId, load } = configure(project);
    const id = resolveId(project.config.runner ?? '') ?? '';
    expect(load(id)).toContain('import Base from "/app/own-runner.ts";');
    expect([resolveId('/app/own-runner.ts'), load('/app/own-runner.ts')]).toEqual([undefined, undefined]);
  });

  it('leaves benchmarks alone', () => {
    const project = projectOf();
    configure(project, { vitest: vitestOf('benchmark') });
    expect(project.config.runner).toBeUndefined();
  });

  it('refuses unknown options, a browser, and what it cannot load its runner with', () => {
    const refusals: readonly [() => unknown, RegExp][] = [
      [() => castoff({ leak: 'warn' } as object), /^castoff: unknown option leak; valid options are leaks, /],
      [
        () => castoff({ leaks: 'never' } as object),
        /^castoff: option leaks: got "never"; give fail, warn or off$/,
      ],
      [
        () => configure(projectOf({ browser: { enabled: true } })),
        /^castoff\/vitest: project api: its tests run in a browser, where castoff cannot watch them; add castoff\(\) only to projects that run in Node\.js$/,
      ],
      [
        () => configure(projectOf({ experimental: { viteModuleRunner: false } }, '')),
        /^castoff\/vitest: castoff cannot run with experimental\.viteModuleRunner: false; remove that option$/,
      ],
    ];
    for (const [refused, message] of refusals) expect(refused).toThrow(configInvalid(message));
  });

  it('refuses projects with different options, and takes those with the same', () => {
    const vitest = vitestOf();
    configure(projectOf(), { vitest, options: { leaks: 'warn' } });
    configure(projectOf(), { vitest, options: { leaks: 'warn', keep: undefined } });
    expect(() => configure(projectOf(), { vitest })).toThrow(
      configInvalid(
        /two projects of this run have different options, \{\} and \{"leaks":"warn"\}; give all projects the same$/,
      ),
    );
  });
});

describe('runnerModule', () => {
  it("takes Vitest's own runner from where its version has it without a warning", () => {
    const from = (version: string) =>
      /import \{ (\w+) as Default \} from '([^']+)'/.exec(runnerModule(undefined, version))?.slice(1);
    expect(from('3.2.0')).toEqual(['VitestTestRunner', 'vitest/runners']);
    expect(from('4.0.9')).toEqual(['VitestTestRunner', 'vitest/runners']);
    expect(from('4.1.0')).toEqual(['TestRunner', 'vitest']);
  });
});
