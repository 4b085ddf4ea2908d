import { composeProjectLabel } from '../core/labels';
import { connectEngine } from '../engine/connect';
import { valueOf, type Engine } from '../engine/engine';
import { readEngineClock } from '../engine/engine-clock';
import { listTargets } from '../engine/list-targets';
import type { Maker } from './creations';
import type { ProjectPlace } from './docker-command';
import { byClockOfEngine, isAllNew, projectFolderLabel, projectsIn, unnamedOf } from './new-project';
import { projectFolders, realPath } from './project-folder';
import type { RawThings } from './raw-things';
import { warnRaw } from './warn';

type RawMaker = Extract<Maker, { start?: undefined }>;

/** A command that has brought a project up, or is about to. */
interface Order {
  /** Where the command says it. */
  readonly project?: string | undefined;
  readonly folders: readonly string[];
  readonly beganAtMs: number;
  readonly maker: RawMaker;
  /** Its project, once found. */
  name?: string | undefined;
  isDowned: boolean;
}

const mostWaitMs = 5_000;

/**
 * Finds the Compose projects that commands bring up, whose names may be those of projects that are there: by what the engine has
 * afterwards, of the name, or where the command gives none, of the folder.
 */
export class ProjectOrders {
  readonly #things: RawThings;
  /** Those whose project may come yet. */
  readonly #awaited = new Set<Order>();
  readonly #found = new Set<Order>();

  constructor(things: RawThings) {
    this.#things = things;
  }

  up(at: ProjectPlace, cwd: string | undefined, ended: Promise<unknown>, maker: RawMaker): void {
    const folders = projectFolders(at, cwd ?? process.cwd());
    const { project } = at;
    if (project !== undefined) this.#things.downed.delete(project);
    const order: Order = { project, folders, beganAtMs: Date.now(), maker, isDowned: false };
    for (const { name } of this.#ofFolders(folders, this.#found)) this.#things.downed.delete(name ?? '');
    this.#awaited.add(order);
    void this.#lookAfter(ended, order);
  }

  down(at: ProjectPlace, cwd: string | undefined): void {
    const folders = projectFolders(at, cwd ?? process.cwd());
    for (const order of this.#ofFolders(folders, this.#awaited)) order.isDowned = true;
    for (const { name } of this.#ofFolders(folders, this.#found)) this.#things.downed.add(name ?? '');
  }

  /** Also for a command that runs as long as its project does. */
  look(): void {
    for (const order of this.#awaited) this.#things.begin(this.#look(order));
  }

  async #lookAfter(ended: Promise<unknown>, order: Order): Promise<void> {
    await ended;
    this.#things.begin(this.#look(order).finally(() => this.#awaited.delete(order)));
  }

  #ofFolders(folders: readonly string[], orders: ReadonlySet<Order>): readonly Order[] {
    return [...orders].filter((order) => order.folders.some((folder) => folders.includes(folder)));
  }

  async #look(order: Order): Promise<void> {
    const [folder = ''] = order.folders;
    try {
      const engine = (await connectEngine()).within({ timeoutMs: mostWaitMs });
      const name = await findProject(engine, order);
      if (name === undefined || this.#isKnown(name)) return;
      this.#take(order, name, engine.address);
    } catch (error) {
      warnRaw(`look for the Compose project of ${folder}`, error);
    }
  }

  #isKnown(name: string): boolean {
    return this.#things.open().some((entry) => entry.kind === 'compose-project' && entry.name === name);
  }

  #take(order: Order, name: string, engine: string): void {
    const { options, downed } = this.#things;
    const { whereabouts, source } = order.maker;
    const ordered = { kind: 'compose-project', name, isPinned: false } as const;
    const { key } = this.#things.note(ordered, whereabouts, source);
    options.registry.update(key, { id: name, engine, state: 'present' });
    order.name = name;
    this.#found.add(order);
    if (order.isDowned) downed.add(name);
    else downed.delete(name);
    // Asked for, not waited for: where the run cannot be made ready, the next request that can wait says why.
    void Promise.allSettled([options.ready()]);
    const claiming = options.claim([`${composeProjectLabel}=${name}`]);
    claiming.catch((error: unknown) => warnRaw(`docker compose --project-name ${name}`, error));
  }
}

/** The project of which nothing was there when the command began. */
async function findProject(
  engine: Engine,
  { project, folders, beganAtMs }: Order,
): Promise<string | undefined> {
  const names = project === undefined ? await findNames(engine, folders) : [project];
  if (names.length === 0) return undefined;
  const beforeMs = Date.now();
  const engineMs = valueOf(await readEngineClock(engine));
  const sinceMs = byClockOfEngine(beganAtMs, { engineMs, beforeMs, afterMs: Date.now() });
  const projects = await Promise.all(
    names.map(async (name) => ({
      name,
      parts: await listTargets(engine, [`${composeProjectLabel}=${name}`]),
    })),
  );
  const fresh = projects.filter(({ parts }) => isAllNew(parts, sinceMs)).map(({ name }) => name);
  return project === undefined ? unnamedOf(fresh, folders[0] ?? '') : fresh[0];
}

async function findNames(engine: Engine, folders: readonly string[]): Promise<readonly string[]> {
  const containers = await listTargets(engine, [projectFolderLabel], ['container']);
  return projectsIn(folders, containers, realPath);
}
