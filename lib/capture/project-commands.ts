import { claimKey, type Bounds } from '../core/bounds';
import { composeProjectLabel, projectFolderLabel } from '../core/labels';
import { connectEngine } from '../engine/connect';
import { valueOf, type Engine } from '../engine/engine';
import { readEngineClock } from '../engine/engine-clock';
import { identityOf } from '../engine/identity';
import { listTargets } from '../engine/list-targets';
import type { RegistryEntry } from '../registry/entry';
import type { CreatedBy } from './create-tracker';
import type { CommandLine } from './docker-command';
import { boundsOfNew, byClockOfEngine, isAllNew, projectsIn, unnamedOf } from './new-project';
import { listProjectByCommand } from './list-project-by-command';
import { listParts } from '../resources/project-parts';
import { projectFolders, realPath, type ProjectLocation } from '../resources/project-folder';
import type { TrackedResources } from './tracked-resources';
import { warnCapture } from './warn';

type CreatedByCode = Extract<CreatedBy, { start?: undefined }>;

/** A command that has brought a project up, or is about to. */
interface Order {
  /** Where the command says it. */
  readonly project?: string | undefined;
  readonly folders: readonly string[];
  readonly startedAtMs: number;
  readonly createdBy: CreatedByCode;
  /** Bounds of the claim on what it may create, until the command ends. */
  readonly earlyBounds?: Bounds | undefined;
  /** Its project, once found. */
  name?: string | undefined;
  /** Settles when the reaper has the claim on what was found. */
  claiming?: Promise<unknown> | undefined;
  isDown: boolean;
}

const maxWaitMs = 5_000;

/**
 * Finds the Compose projects that commands bring up, whose names may be those of projects that are there: by what the engine has
 * afterwards, of the name, or where the command gives none, of the folder.
 */
export class ProjectCommands {
  readonly #tracked: TrackedResources;
  /** Those whose project may come yet. */
  readonly #awaited = new Set<Order>();
  readonly #found = new Set<Order>();

  constructor(tracked: TrackedResources) {
    this.#tracked = tracked;
  }

  /** Blocks where the command names its project: what was there before is listed until then. */
  up(at: ProjectLocation, line: CommandLine, ended: () => Promise<unknown>, createdBy: CreatedByCode): void {
    const folders = projectFolders(at, line.cwd ?? process.cwd());
    const { project } = at;
    if (project !== undefined) this.#tracked.downedProjects.delete(project);
    const earlyBounds = project === undefined ? undefined : this.#claimEarly(line, project);
    const order: Order = { project, folders, startedAtMs: Date.now(), createdBy, earlyBounds, isDown: false };
    for (const { name } of this.#ofFolders(folders, this.#found))
      this.#tracked.downedProjects.delete(name ?? '');
    this.#awaited.add(order);
    void this.#lookAfter(ended(), order);
  }

  down(at: ProjectLocation, cwd: string | undefined): void {
    const folders = projectFolders(at, cwd ?? process.cwd());
    for (const order of this.#ofFolders(folders, this.#awaited)) order.isDown = true;
    for (const { name } of this.#ofFolders(folders, this.#found))
      this.#tracked.downedProjects.add(name ?? '');
  }

  /** Also for a command that runs as long as its project does. */
  look(): void {
    for (const order of this.#awaited) this.#tracked.addPending(this.#look(order));
  }

  async #lookAfter(ended: Promise<unknown>, order: Order): Promise<void> {
    await ended;
    const looking = this.#look(order);
    this.#tracked.addPending(looking);
    await looking;
    await this.#finish(order);
  }

  /** Claims what the command creates, for a crash before its end. */
  #claimEarly(line: CommandLine, project: string): Bounds | undefined {
    const { options } = this.#tracked;
    const what = `docker compose --project-name ${project}`;
    const consequence = 'a crash before the command ends would leave what it creates';
    try {
      const bounds = boundsOfNew(listProjectByCommand(line, project), this.#known());
      if (bounds === undefined) return undefined;
      // Requested, not awaited: the command runs as soon as this returns.
      void Promise.allSettled([options.ready()]);
      const claiming = options.claim(labelsOf(project), bounds);
      claiming.catch((error: unknown) => warnCapture(what, error, consequence));
      return bounds;
    } catch (error) {
      warnCapture(what, error, consequence);
      return undefined;
    }
  }

  /** Releases the early claim once a claim on what was found has replaced it. */
  async #finish(order: Order): Promise<void> {
    this.#awaited.delete(order);
    const { project, earlyBounds, claiming } = order;
    if (project === undefined || earlyBounds === undefined) return;
    await Promise.allSettled([claiming]);
    const key = claimKey(labelsOf(project), earlyBounds);
    const isShared = [...this.#awaited].some(
      (other) =>
        other.earlyBounds !== undefined && claimKey(labelsOf(other.project ?? ''), other.earlyBounds) === key,
    );
    // Where the run is gone, its claims are, too.
    if (!isShared) await Promise.allSettled([this.#tracked.options.release(labelsOf(project), earlyBounds)]);
  }

  #ofFolders(folders: readonly string[], orders: ReadonlySet<Order>): readonly Order[] {
    return [...orders].filter((order) => order.folders.some((folder) => folders.includes(folder)));
  }

  async #look(order: Order): Promise<void> {
    const [folder = ''] = order.folders;
    try {
      const engine = (await connectEngine()).within({ timeoutMs: maxWaitMs });
      const found = await findProject(engine, order, this.#known());
      if (found !== undefined) this.#take(order, found, engine.address);
    } catch (error) {
      warnCapture(`look for the Compose project of ${folder}`, error, 'what it has is not watched');
    }
  }

  /** The parts of projects that are known to be ours already. */
  #known(): ReadonlySet<string> {
    const entries = this.#tracked.options.registry.list({ kind: 'compose-project' });
    return new Set(entries.flatMap(({ state, bounds }) => (state === 'gone' ? [] : (bounds?.only ?? []))));
  }

  #take(order: Order, { name, only }: FoundProject, engine: string): void {
    const { options, downedProjects } = this.#tracked;
    const known = this.#tracked
      .open()
      .find((entry) => entry.kind === 'compose-project' && entry.name === name);
    // One that has no bounds has all of it.
    if (known !== undefined && known.bounds === undefined) return;
    const entry = known ?? this.#note(order, name);
    const bounds = { only: [...(known?.bounds?.only ?? []), ...only] };
    options.registry.update(entry.key, { id: name, engine, bounds, state: 'present' });
    order.name = name;
    this.#found.add(order);
    if (order.isDown) downedProjects.add(name);
    else downedProjects.delete(name);
    // Asked for, not waited for: where the run cannot be made ready, the next request that can wait says why.
    void Promise.allSettled([options.ready()]);
    const labels = labelsOf(name);
    const claiming = options
      .claim(labels, bounds)
      .then(() => (known === undefined ? undefined : options.release(labels, known.bounds)));
    order.claiming = claiming;
    claiming.catch((error: unknown) =>
      warnCapture(`docker compose --project-name ${name}`, error, 'a crash would leave it'),
    );
  }

  #note({ createdBy, startedAtMs }: Order, name: string): RegistryEntry {
    const registeredAt = new Date(startedAtMs);
    const ordered = { kind: 'compose-project', name, hasFixedNameOrPort: false, registeredAt } as const;
    return this.#tracked.note(ordered, createdBy.attribution, createdBy.source);
  }
}

function labelsOf(project: string): readonly string[] {
  return [`${composeProjectLabel}=${project}`];
}

/** A project, and the identities of the parts of it that a command has created. */
interface FoundProject {
  readonly name: string;
  readonly only: readonly string[];
}

/** The project of which nothing was there when the command began, but for what is `known`. */
async function findProject(
  engine: Engine,
  { project, folders, startedAtMs }: Order,
  known: ReadonlySet<string>,
): Promise<FoundProject | undefined> {
  const names = project === undefined ? await findNames(engine, folders) : [project];
  if (names.length === 0) return undefined;
  const beforeMs = Date.now();
  const engineMs = valueOf(await readEngineClock(engine));
  const sinceMs = byClockOfEngine(startedAtMs, { engineMs, beforeMs, afterMs: Date.now() });
  const projects = await Promise.all(
    names.map(async (name) => {
      const parts = await listParts(engine, name);
      return { name, parts: parts.filter((part) => !known.has(identityOf(part))) };
    }),
  );
  const fresh = projects.filter(({ parts }) => isAllNew(parts, sinceMs));
  const freshNames = fresh.map(({ name }) => name);
  const chosen = project === undefined ? unnamedOf(freshNames, folders[0] ?? '') : freshNames[0];
  const found = fresh.find(({ name }) => name === chosen);
  return found && { name: found.name, only: found.parts.map((part) => identityOf(part)) };
}

async function findNames(engine: Engine, folders: readonly string[]): Promise<readonly string[]> {
  const containers = await listTargets(engine, [projectFolderLabel], ['container']);
  return projectsIn(folders, containers, realPath);
}
