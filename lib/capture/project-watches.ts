import { connectEngine } from '../engine/connect';
import type { PostMortem } from '../resources/post-mortem';
import { watchProject, type ProjectWatch } from '../scope/project-watch';
import { warnCapture } from './warn';

/** Watches the Compose projects that commands bring up, until they are brought down: what their services said is read before it goes. */
export class ProjectWatches {
  readonly #watches = new Map<string, Promise<ProjectWatch | undefined>>();
  #isOver = false;

  begin(project: string): void {
    if (this.#isOver || this.#watches.has(project)) return;
    this.#watches.set(project, this.#watch(project));
  }

  /** Ends the watch of a project; what it has seen is kept. */
  async end(project: string): Promise<void> {
    await (await this.#watches.get(project))?.stop();
  }

  /** What the services were like that ended by themselves with a failure. */
  async postMortems(project: string): Promise<readonly PostMortem[]> {
    return (await this.#watches.get(project))?.postMortems() ?? [];
  }

  /** Ends all; nothing more is watched. */
  stop(): void {
    this.#isOver = true;
    for (const project of this.#watches.keys()) void this.end(project);
  }

  async #watch(project: string): Promise<ProjectWatch | undefined> {
    try {
      return watchProject(await connectEngine(), project, {});
    } catch (error) {
      // Without an engine the command comes to nothing either.
      warnCapture(`watch the Compose project ${project}`, error, 'what its services say is not kept');
      return undefined;
    }
  }
}
