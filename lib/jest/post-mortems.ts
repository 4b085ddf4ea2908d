import type { RegistryEntry } from '../registry/entry';
import { describeStart, startsUnderWay, type StartUnderWay } from '../scope/starts-under-way';
import { shortId } from '../core/short-id';
import { sharedScope } from '../registry/scope-names';
import type { CircusTest } from './circus';
import type { TestContext } from '../runner/test-context';
import type { WorkerRunState } from '../runner/worker-run';
import { addToMessage } from '../runner/test-errors';
import { loadLate } from '../runner/load-late';

const mostContainers = 4;
const mostLines = 20;

/** What the containers of failed tests are like, each told once in a file: with the first test that fails while it is there. */
export class PostMortems {
  readonly #told = new Set<string>();

  /**
   * Puts into the first error of `test`, if it has one, what its containers and those that it depends on are like; in about 2 s at most.
   * One that has died is named in each test that fails after it.
   *
   * @param path - The test file's.
   */
  async addTo(test: CircusTest, place: TestContext, path: string, here: WorkerRunState): Promise<void> {
    if (test.errors.length === 0) return;
    const starting = startsUnderWay().filter(
      ({ key, scope }) => !this.#told.has(key) && isAround(place, scope),
    );
    const around = containersOf(place, path, here);
    const fresh = around.filter(({ key }) => !this.#told.has(key)).slice(-mostContainers);
    const known = around.filter(({ key }) => this.#told.has(key)).slice(-mostContainers);
    const projects = here.registry
      .list({ kind: 'compose-project' })
      .filter(({ key, owner }) => !this.#told.has(key) && isAround(place, owner.scope))
      .filter(({ origin }) => origin === 'raw')
      .slice(-mostContainers);
    for (const { key } of [...fresh, ...starting, ...projects]) this.#told.add(key);
    const deaths = new Map<Dependency, string>();
    const described = await Promise.all([
      ...starting.map(describeStarting),
      ...fresh.toReversed().map((each) => describeContainer(each, deaths)),
      ...known.map((each) => describeDead(each, deaths)),
      ...projects.toReversed().map((entry) => describeProject(entry, here.watch)),
    ]);
    for (const [dependency, died] of deaths)
      if (dependency.scope !== place.name) await noteDeath(dependency, died, here);
    const words = described.filter((each) => each !== undefined);
    if (words.length === 0) return;
    test.errors[0] = addToMessage(test.errors[0], words.join('\n\n'));
  }
}

/** A container that a test depends on. */
interface Dependency extends Pick<RegistryEntry, 'key' | 'id' | 'engine'> {
  /** The name of its scope; `undefined`: that of a shared thing which another process made. */
  readonly scope?: string | undefined;
  readonly source?: string | undefined;
  /** The shared thing that it belongs to: `shared orders db`. */
  readonly shared?: string | undefined;
}

/** The containers of `place` and of the places around it, then those of the shared fixtures that its file uses. */
function containersOf(
  place: TestContext,
  path: string,
  { registry, shared }: WorkerRunState,
): readonly Dependency[] {
  const present = registry.list({ kind: 'container', state: 'present' });
  const own = present.filter(({ owner }) => isAround(place, owner.scope)).map(dependencyOf);
  const used = [...shared.usedBy(path)].flatMap(([what, containers]) => {
    const ofOthers = containers.map((each) => ({ ...each, shared: what }));
    const scope = sharedScope(what.replace(/^shared /, ''));
    const made = present.filter(({ owner }) => owner.scope === scope).map(dependencyOf);
    return [...ofOthers, ...made.map((each) => ({ ...each, shared: what }))];
  });
  return [...new Map([...used, ...own].map((each) => [each.key, each])).values()];
}

function dependencyOf({ key, id, engine, owner: { scope, source } }: RegistryEntry): Dependency {
  return { key, id, engine, scope, source };
}

/** For the verdict. */
async function noteDeath(
  { key }: Dependency,
  died: string,
  { registry, link }: WorkerRunState,
): Promise<void> {
  if (registry.list().some((entry) => entry.key === key)) registry.update(key, { died });
  // Rejects when the run is gone: then there is no verdict.
  else await Promise.allSettled([link.noteDeath(key, died)]);
}

/** Whether a scope is that of `place`, or of a block or the file that it is in. */
function isAround(place: TestContext, scope: string): boolean {
  return place.name === scope || (place.parent !== undefined && isAround(place.parent, scope));
}

async function describeStarting(start: StartUnderWay): Promise<string> {
  const words = describeStart(start, performance.now());
  const { engine, wait } = start;
  const container = await describeContainer({ key: start.key, id: wait?.containerId, engine });
  return [words, ...(container === undefined ? [] : [container])].join('\n');
}

async function describeContainer(
  dependency: Dependency,
  deaths?: Map<Dependency, string>,
): Promise<string | undefined> {
  const { capturePostMortem, describeState, formatPostMortem } = loadLate.postMortem();
  const { id, engine, shared } = dependency;
  if (id === undefined) return undefined;
  const { connectEngine } = loadLate.connect();
  const postMortem = await capturePostMortem(await connectEngine(engine), id);
  const title = shared === undefined ? '' : `${shared}: `;
  if (postMortem === undefined)
    return shared === undefined ? undefined : `${title}container ${shortId(id)}${lineOf(dependency)} is gone`;
  if (/^(?:exited|dead)$/.test(postMortem.status ?? '')) deaths?.set(dependency, describeState(postMortem));
  return `${title}${formatPostMortem({ ...postMortem, logLines: postMortem.logLines.slice(-mostLines) })}`;
}

/** One line of a container that an earlier message has described, if it does not run. */
async function describeDead(
  dependency: Dependency,
  deaths: Map<Dependency, string>,
): Promise<string | undefined> {
  const words = await describeContainer(dependency, deaths);
  const [first = ''] = words?.split('\n') ?? [];
  return words === undefined || first.endsWith(': running') ? undefined : `${first}${lineOf(dependency)}`;
}

function lineOf({ source }: Dependency): string {
  return source === undefined ? '' : ` (${source})`;
}

/** Its services that ended by themselves, also where it has been taken down meanwhile. */
async function describeProject(
  { name = '' }: RegistryEntry,
  watch: WorkerRunState['watch'],
): Promise<string | undefined> {
  const { formatPostMortem } = loadLate.postMortem();
  const postMortems = (await watch.postMortems(name)).slice(-mostContainers);
  const words = postMortems.map(({ logLines, ...postMortem }) =>
    formatPostMortem({ ...postMortem, logLines: logLines.slice(-mostLines) }),
  );
  return words.length === 0 ? undefined : words.join('\n\n');
}
