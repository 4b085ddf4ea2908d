import { warnCapture } from '../core/warnings';
import { connectEngine } from '../engine/connect';
import type { PostMortem } from '../resources/post-mortem';
import { watchProject, type ProjectWatch } from '../scope/project-watch';

/** Watches Compose projects from their `up` to their `down`, to read their logs before they are removed. */
export class ProjectWatches {
  readonly #watches = new Map<string, Promise<ProjectWatch | undefined>>();
  #isStopped = false;

  /** Starts to watch a project; does nothing when it is watched already. */
  start(project: string): void {
    if (this.#isStopped || this.#watches.has(project)) return;
    this.#watches.set(project, this.#watch(project));
  }

  /** Stops watching a project and keeps its post-mortems. */
  async end(project: string): Promise<void> {
    await (await this.#watches.get(project))?.stop();
  }

  /** Resolves to a post-mortem of each service that failed by itself. */
  async postMortems(project: string): Promise<readonly PostMortem[]> {
    return (await this.#watches.get(project))?.postMortems() ?? [];
  }

  /** Stops all watches and ignores further projects. */
  stop(): void {
    this.#isStopped = true;
    for (const project of this.#watches.keys()) void this.end(project);
  }

  async #watch(project: string): Promise<ProjectWatch | undefined> {
    try {
      return watchProject(await connectEngine(), project, {});
    } catch (error) {
      // Rejects without an engine, and then the command fails too.
      warnCapture(`watch Compose project ${project}`, error, 'the logs of its services are not kept');
      return undefined;
    }
  }
}
