import { resolve } from 'node:path';
import { CastoffError, messageOf } from '../core/errors';
import { print } from '../core/print';
import { withTimeout } from '../core/timeout';
import { closeMainRun, holdWhileDying, openMainRun, type MainRun } from '../runner/main-run';
import { resolveSettings, type CastoffOptions } from '../runner/options';
import { reportRun, verdictError } from '../runner/report-run';
import { providedKey } from './provided-key';
import type { Vitest, VitestProject } from './user-vitest';

/** Workers end while the run closes; one that hangs is not waited for. In milliseconds. */
const workerEndMs = 5_000;

const runs = new WeakMap<Vitest, VitestRun>();

/** Returns the run of a Vitest. The first call creates it, with these options. */
export function runOf(vitest: Vitest, options: CastoffOptions): VitestRun {
  const known = runs.get(vitest);
  if (known !== undefined) return known;
  const run = new VitestRun(vitest, options);
  runs.set(vitest, run);
  return run;
}

/** The run of a Vitest, in its main process. In watch mode, each test run is one. */
class VitestRun {
  readonly #vitest: Vitest;
  readonly #options: CastoffOptions;
  readonly #projects = new Set<VitestProject>();
  #main: MainRun | undefined;

  constructor(vitest: Vitest, options: CastoffOptions) {
    this.#vitest = vitest;
    this.#options = options;
    vitest.config.reporters.push({
      onTestRunStart: () => this.#open(),
      onTestRunEnd: () => this.#endWatched(),
    });
    // After the user's global teardowns.
    vitest.onClose(() => {
      // A change of the config starts the same Vitest again.
      runs.delete(vitest);
      return this.#close();
    });
  }

  /**
   * Adds a project, whose test files castoff watches.
   *
   * @throws CastoffError `CONFIG_INVALID` when it has other options than an earlier one.
   */
  add(project: VitestProject, options: CastoffOptions): void {
    const [own, first] = [JSON.stringify(options), JSON.stringify(this.#options)];
    if (own !== first) {
      throw new CastoffError(
        'CONFIG_INVALID',
        `castoff: two projects of this run have different options, ${own} and ${first}; give all projects the same`,
      );
    }
    this.#projects.add(project);
  }

  async #open(): Promise<void> {
    if (this.#main === undefined) {
      this.#reportUnwatched();
      const settings = resolveSettings(this.#options, process.env);
      this.#main = await openMainRun(settings, { isWatched: false, exitsBySignal: true });
    }
    const { address } = this.#main.run;
    for (const project of this.#projects) project.provide(providedKey as never, address as never);
  }

  #reportUnwatched(): void {
    for (const project of this.#vitest.projects)
      if (!this.#projects.has(project))
        print(`project ${project.name} is not watched; add castoff() to its plugins, or set extends: true`);
  }

  /** Vitest runs global setups once per watch: the run that has their resources lasts as long. */
  async #endWatched(): Promise<void> {
    if (this.#vitest.config.watch === true && this.#main?.hasOwnResources() === false) await this.#close();
  }

  async #close(): Promise<void> {
    const main = this.#main;
    if (main === undefined) return;
    await holdWhileDying(main);
    this.#main = undefined;
    const { settings } = main.run;
    const ended = { what: 'wait for the end of the workers', timeoutMs: workerEndMs };
    // DEADLINE_EXCEEDED: the run removes the resources of workers that are left.
    await Promise.allSettled([withTimeout(main.run.whenIdle(), ended)]);
    const { verdict, kept } = await closeMainRun(main, settings);
    await holdWhileDying(main);
    const { root, silent, watch } = this.#vitest.config;
    await reportRun({ ...verdict, runner: 'vitest' }, kept, {
      reportFile: settings.reportFile && resolve(root, settings.reportFile),
      isSilent: silent === true,
    });
    const error = verdictError(verdict);
    if (error === undefined || watch === true) return;
    process.stderr.write(`${error.code}: ${messageOf(error)}\n`);
    process.exitCode ||= 1;
  }
}
