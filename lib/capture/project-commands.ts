import { claimKey, type Bounds } from '../core/bounds';
import { composeProjectLabel } from '../core/labels';
import { warnCapture } from '../core/warnings';
import { connectEngine } from '../engine/connect';
import type { RegistryEntry } from '../registry/entry';
import type { CreatedByCode } from './created-by';
import type { CommandLine } from '../commands/launch';
import { deriveProjectName } from '../commands/derive-project-name';
import { boundsOfNew } from '../commands/new-project';
import { findProject, type FoundProject, type ProjectStart } from './find-project';
import { listProjectByCommand } from './list-project-by-command';
import { projectFolders, type ProjectLocation } from '../resources/project-folder';
import type { TrackedResources } from './tracked-resources';

interface UpCommand extends ProjectStart {
  readonly createdBy: CreatedByCode;
  /** The claim on what it may create, held until the command exits. */
  readonly early?: EarlyClaim | undefined;
  /** The name of its project, once found. */
  name?: string | undefined;
  /** Settles when the reaper holds the claim on the found parts. */
  claiming?: Promise<unknown> | undefined;
  isDown: boolean;
}

interface EarlyClaim {
  readonly project: string;
  readonly bounds: Bounds;
}

const maxWaitMs = 5_000;

/**
 * Finds the parts that commands create in Compose projects whose names may already be in use. Compares the
 * engine's resources before and after the command: those of the project's name, or of its folder when the
 * command names none.
 */
export class ProjectCommands {
  readonly #tracked: TrackedResources;
  /** Commands whose project may still appear. */
  readonly #awaited = new Set<UpCommand>();
  readonly #found = new Set<UpCommand>();

  constructor(tracked: TrackedResources) {
    this.#tracked = tracked;
  }

  /** Tracks an `up`. Blocks when the name of its project is known, to list the parts that exist before. */
  up(
    at: ProjectLocation,
    line: CommandLine,
    waitForExit: () => Promise<unknown>,
    createdBy: CreatedByCode,
  ): void {
    const folders = projectFolders(at, line.cwd ?? process.cwd());
    const { project } = at;
    if (project !== undefined) this.#tracked.downedProjects.delete(project);
    const early = this.#claimEarly(at, line);
    const up: UpCommand = { project, folders, startedAtMs: Date.now(), createdBy, early, isDown: false };
    for (const { name } of this.#ofFolders(folders, this.#found))
      this.#tracked.downedProjects.delete(name ?? '');
    this.#awaited.add(up);
    void this.#findWhenExited(waitForExit(), up);
  }

  /** Marks the projects of that folder as removed by the user's code. */
  down(at: ProjectLocation, cwd: string | undefined): void {
    const folders = projectFolders(at, cwd ?? process.cwd());
    for (const up of this.#ofFolders(folders, this.#awaited)) up.isDown = true;
    for (const { name } of this.#ofFolders(folders, this.#found))
      this.#tracked.downedProjects.add(name ?? '');
  }

  /** Starts to find the projects of all commands, including those that run as long as their project. */
  findAll(): void {
    for (const up of this.#awaited) this.#tracked.addPending(this.#find(up));
  }

  async #findWhenExited(exited: Promise<unknown>, up: UpCommand): Promise<void> {
    await exited;
    const finding = this.#find(up);
    this.#tracked.addPending(finding);
    await finding;
    await this.#finish(up);
  }

  /** Claims what the command creates, in case this process crashes before the command exits. */
  #claimEarly(at: ProjectLocation, line: CommandLine): EarlyClaim | undefined {
    const consequence = 'a crash before the command exits would leave what it creates';
    let what = 'a Compose project';
    try {
      const project = at.project ?? deriveProjectName(at, line);
      if (project === undefined) return undefined;
      what = `Compose project ${project}`;
      const bounds = boundsOfNew(listProjectByCommand(line, project), this.#known());
      if (bounds === undefined) return undefined;
      this.#tracked.prepareRun();
      void this.#tracked.claimProject(project, consequence, bounds);
      return { project, bounds };
    } catch (error) {
      warnCapture(`claim ${what}`, error, consequence);
      return undefined;
    }
  }

  /** Releases the early claim once a claim on what was found has replaced it. */
  async #finish(up: UpCommand): Promise<void> {
    this.#awaited.delete(up);
    const { early, claiming } = up;
    if (early === undefined) return;
    await Promise.allSettled([claiming]);
    const keyOf = ({ project, bounds }: EarlyClaim): string => claimKey(labelsOf(project), bounds);
    const isShared = [...this.#awaited].some(
      (other) => other.early !== undefined && keyOf(other.early) === keyOf(early),
    );
    // Rejects when the run has ended, whose claims ended with it.
    if (!isShared)
      await Promise.allSettled([this.#tracked.options.release(labelsOf(early.project), early.bounds)]);
  }

  #ofFolders(folders: readonly string[], commands: ReadonlySet<UpCommand>): readonly UpCommand[] {
    return [...commands].filter((up) => up.folders.some((folder) => folders.includes(folder)));
  }

  async #find(up: UpCommand): Promise<void> {
    const [folder = ''] = up.folders;
    try {
      const engine = (await connectEngine()).within({ timeoutMs: maxWaitMs });
      const found = await findProject(engine, up, this.#known());
      if (found !== undefined) this.#record(up, found, engine.address);
    } catch (error) {
      warnCapture(`find the Compose project of ${folder}`, error, 'its resources are not tracked');
    }
  }

  #known(): ReadonlySet<string> {
    const entries = this.#tracked.options.registry.list({ kind: 'compose-project' });
    return new Set(entries.flatMap(({ state, bounds }) => (state === 'gone' ? [] : (bounds?.only ?? []))));
  }

  #record(up: UpCommand, { name, only }: FoundProject, engine: string): void {
    const { options, downedProjects } = this.#tracked;
    const known = this.#tracked.activeProject(name);
    // An entry without bounds covers the whole project.
    if (known !== undefined && known.bounds === undefined) return;
    const entry = known ?? this.#note(up, name);
    const bounds = { only: [...(known?.bounds?.only ?? []), ...only] };
    options.registry.update(entry.key, { id: name, engine, bounds, state: 'present' });
    up.name = name;
    this.#found.add(up);
    if (up.isDown) downedProjects.add(name);
    else downedProjects.delete(name);
    this.#tracked.prepareRun();
    up.claiming = this.#tracked.claimProject(name, 'a crash would leave it behind', bounds, known?.bounds);
  }

  #note({ createdBy, startedAtMs }: UpCommand, name: string): RegistryEntry {
    const registeredAt = new Date(startedAtMs);
    const resource = { kind: 'compose-project', name, hasFixedNameOrPort: false, registeredAt } as const;
    return this.#tracked.note(resource, createdBy);
  }
}

function labelsOf(project: string): readonly string[] {
  return [`${composeProjectLabel}=${project}`];
}
