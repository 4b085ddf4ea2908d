import { labelNames, type Labels } from '../core/labels';
import type { ListedTarget } from '../engine/list-targets';

interface ProjectGateOptions {
  readonly session: string;
  /** Lists the parts of a Compose project on the engine. */
  readonly listParts: (project: string) => Promise<readonly Pick<ListedTarget, 'labels'>[]>;
}

/** Decides, project by project, whether a Compose project belongs to the command. */
export class ProjectGate {
  readonly #options: ProjectGateOptions;
  readonly #decisions = new Map<string, Promise<boolean>>();
  readonly #foreign = new Set<string>();

  constructor(options: ProjectGateOptions) {
    this.#options = options;
  }

  /** The projects that existed before the command created a part of them. */
  get foreign(): readonly string[] {
    return [...this.#foreign];
  }

  /**
   * Resolves to whether a project belongs to the command: nothing of it existed before its first part. Decided
   * once for each project, before that part is created; all callers share the decision.
   *
   * @throws EngineError when the engine cannot list the parts; the next call tries again.
   */
  isOurs(project: string): Promise<boolean> {
    const known = this.#decisions.get(project);
    if (known !== undefined) return known;
    const deciding = this.#decide(project);
    this.#decisions.set(project, deciding);
    deciding.catch(() => this.#decisions.delete(project));
    return deciding;
  }

  async #decide(project: string): Promise<boolean> {
    const parts = await this.#options.listParts(project);
    const isOurs = parts.every(({ labels }) => this.#isOwn(labels));
    if (!isOurs) this.#foreign.add(project);
    return isOurs;
  }

  #isOwn(labels: Labels): boolean {
    return labels[labelNames.session] === this.#options.session;
  }
}
