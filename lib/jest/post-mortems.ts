import type { RegistryEntry } from '../registry/entry';
import { describeStart, startsUnderWay, type StartUnderWay } from '../scope/starts-under-way';
import { shortId } from '../core/short-id';
import { sharedScope } from '../session/shared-scope';
import type { CircusTest } from './circus';
import type { Place } from './places';
import type { RunHere } from './run-here';
import { addWords } from './test-errors';
import { loadLate } from './load-late';

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
  async addTo(test: CircusTest, place: Place, path: string, here: RunHere): Promise<void> {
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
    const described = await Promise.all([
      ...starting.map(describeStarting),
      ...fresh.toReversed().map(describeContainer),
      ...known.map(describeDead),
      ...projects.toReversed().map((entry) => describeProject(entry, here.watch)),
    ]);
    const words = described.filter((each) => each !== undefined);
    if (words.length === 0) return;
    test.errors[0] = addWords(test.errors[0], words.join('\n\n'));
  }
}

/** A container that a test depends on. */
interface Dependency extends Pick<RegistryEntry, 'id' | 'engine'> {
  readonly source?: string | undefined;
  /** The shared thing that it belongs to: `shared orders db`. */
  readonly shared?: string | undefined;
}

/** The containers of `place` and of what it is in, then those of the shared things that its file uses. */
function containersOf(
  place: Place,
  path: string,
  { registry, shared }: RunHere,
): readonly (Dependency & { readonly key: string })[] {
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

function dependencyOf({ key, id, engine, owner: { source } }: RegistryEntry): Dependency & { key: string } {
  return { key, id, engine, source };
}

/** Whether a scope is that of `place`, or of a block or the file that it is in. */
function isAround(place: Place, scope: string): boolean {
  return place.name === scope || (place.parent !== undefined && isAround(place.parent, scope));
}

async function describeStarting(start: StartUnderWay): Promise<string> {
  const words = describeStart(start, performance.now());
  const { engine, wait } = start;
  const container = await describeContainer({ id: wait?.containerId, engine });
  return [words, ...(container === undefined ? [] : [container])].join('\n');
}

async function describeContainer(dependency: Dependency): Promise<string | undefined> {
  const { capturePostMortem, formatPostMortem } = loadLate.postMortem();
  const { id, engine, shared } = dependency;
  if (id === undefined) return undefined;
  const { connectEngine } = loadLate.connect();
  const postMortem = await capturePostMortem(await connectEngine(engine), id);
  const title = shared === undefined ? '' : `${shared}: `;
  if (postMortem === undefined)
    return shared === undefined ? undefined : `${title}container ${shortId(id)}${lineOf(dependency)} is gone`;
  return `${title}${formatPostMortem({ ...postMortem, logLines: postMortem.logLines.slice(-mostLines) })}`;
}

/** One line of a container that an earlier message has described, if it does not run. */
async function describeDead(dependency: Dependency): Promise<string | undefined> {
  const words = await describeContainer(dependency);
  const [first = ''] = words?.split('\n') ?? [];
  return words === undefined || first.endsWith(': running') ? undefined : `${first}${lineOf(dependency)}`;
}

function lineOf({ source }: Dependency): string {
  return source === undefined ? '' : ` (${source})`;
}

/** Its services that ended by themselves, also where it has been taken down meanwhile. */
async function describeProject(
  { name = '' }: RegistryEntry,
  watch: RunHere['watch'],
): Promise<string | undefined> {
  const { formatPostMortem } = loadLate.postMortem();
  const postMortems = (await watch.postMortems(name)).slice(-mostContainers);
  const words = postMortems.map(({ logLines, ...postMortem }) =>
    formatPostMortem({ ...postMortem, logLines: logLines.slice(-mostLines) }),
  );
  return words.length === 0 ? undefined : words.join('\n\n');
}
