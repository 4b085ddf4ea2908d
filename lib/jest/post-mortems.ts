import type { RegistryEntry } from '../registry/entry';
import { describeStart, startsUnderWay, type StartUnderWay } from '../scope/starts-under-way';
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

  /** Puts into the first error of `test`, if it has one, what its containers and those around it are like; in about 2 s at most. */
  async addTo(test: CircusTest, place: Place, { registry }: RunHere): Promise<void> {
    if (test.errors.length === 0) return;
    const containers = registry.list({ kind: 'container', state: 'present' });
    const own = containers
      .filter(({ key, owner }) => !this.#told.has(key) && isAround(place, owner.scope))
      .slice(-mostContainers)
      .toReversed();
    const starting = startsUnderWay().filter(
      ({ key, scope }) => !this.#told.has(key) && isAround(place, scope),
    );
    if (own.length + starting.length === 0) return;
    for (const { key } of [...own, ...starting]) this.#told.add(key);
    const described = await Promise.all([...starting.map(describeStarting), ...own.map(describeContainer)]);
    const words = described.filter((each) => each !== undefined);
    if (words.length === 0) return;
    test.errors[0] = addWords(test.errors[0], words.join('\n\n'));
  }
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

async function describeContainer({
  id,
  engine: address,
}: Pick<RegistryEntry, 'id' | 'engine'>): Promise<string | undefined> {
  if (id === undefined) return undefined;
  const { connectEngine } = loadLate.connect();
  const { capturePostMortem, formatPostMortem } = loadLate.postMortem();
  const postMortem = await capturePostMortem(await connectEngine(address), id);
  if (postMortem === undefined) return undefined;
  return formatPostMortem({ ...postMortem, logLines: postMortem.logLines.slice(-mostLines) });
}
