import type { RegistryEntry } from '../registry/entry';
import { describeStart, startsUnderWay, type StartUnderWay } from '../scope/starts-under-way';
import { shortId } from '../core/short-id';
import type { PostMortem } from '../resources/post-mortem';
import { sharedScope } from '../registry/scope-names';
import type { SharedContainer } from '../session/run-client';
import type { AttachedRun } from './attached-run';
import { loadLate } from './load-late';
import type { TestContext } from './test-context';

const maxContainers = 4;
const maxLogLines = 20;

/** Post-mortems of containers of failed tests. The first failed test of a file shows a container in full. */
export class PostMortems {
  readonly #shown = new Set<string>();

  /**
   * Describes the state and log of the containers of a failed test, in about 2 s at most. These are the
   * containers of the test, of the blocks and the file around it, and of the shared resources that its file
   * uses. A container that was shown before is described only if it has died, as one line.
   *
   * Resolves to `undefined` when there is nothing to show.
   *
   * @param path - Path of the test file.
   */
  async describe(context: TestContext, path: string, attachedRun: AttachedRun): Promise<string | undefined> {
    const starting = startsUnderWay().filter(
      ({ key, scope }) => !this.#shown.has(key) && isAround(context, scope),
    );
    const around = containersOf(context, path, attachedRun);
    const fresh = around.filter(({ key }) => !this.#shown.has(key)).slice(-maxContainers);
    const known = around.filter(({ key }) => this.#shown.has(key)).slice(-maxContainers);
    const projects = attachedRun.registry
      .list({ kind: 'compose-project' })
      .filter(({ key, owner }) => !this.#shown.has(key) && isAround(context, owner.scope))
      .slice(-maxContainers);
    for (const { key } of [...fresh, ...starting, ...projects]) this.#shown.add(key);
    const deaths = new Map<Dependency, string>();
    const described = await Promise.all([
      ...starting.map(describeStarting),
      ...fresh.toReversed().map((each) => describeContainer(each, deaths)),
      ...known.map((each) => describeDead(each, deaths)),
      ...projects.toReversed().map((entry) => describeProject(entry, attachedRun.capture)),
    ]);
    for (const [dependency, died] of deaths)
      if (dependency.owner.scope !== context.name) await noteDeath(dependency, died, attachedRun);
    const texts = described.filter((each) => each !== undefined);
    return texts.length === 0 ? undefined : texts.join('\n\n');
  }
}

interface Dependency extends SharedContainer {
  /** The shared resource that it belongs to: `shared orders db`. */
  readonly shared?: string | undefined;
}

/** Returns the containers of shared resources that a file uses, then those of `context` and around it. */
function containersOf(
  context: TestContext,
  path: string,
  { registry, shared }: AttachedRun,
): readonly Dependency[] {
  const present = registry.list({ kind: 'container', state: 'present' });
  const own = present.filter(({ owner }) => isAround(context, owner.scope));
  const used = [...shared.usedBy(path)].flatMap(([what, containers]) => {
    const scope = sharedScope(what.replace(/^shared /, ''));
    const created = present.filter(({ owner }) => owner.scope === scope);
    return [...containers, ...created].map((each): Dependency => ({ ...each, shared: what }));
  });
  // A container that a scope has adopted has two records.
  return [...new Map([...used, ...own].map((each) => [each.id ?? each.key, each])).values()];
}

/** Records a death for the verdict. */
async function noteDeath(
  { key }: Dependency,
  died: string,
  { registry, client }: AttachedRun,
): Promise<void> {
  if (registry.list().some((entry) => entry.key === key)) registry.update(key, { died });
  // Rejects when the run has ended: then there is no verdict.
  else await Promise.allSettled([client.noteDeath(key, died)]);
}

/** Returns whether a scope is that of `context`, or of a block or file around it. */
function isAround({ name, parent }: TestContext, scope: string): boolean {
  return name === scope || (parent !== undefined && isAround(parent, scope));
}

async function describeStarting(start: StartUnderWay): Promise<string> {
  const waiting = describeStart(start, performance.now());
  const { key, engine, scope, wait } = start;
  const container = await describeContainer({ key, id: wait?.containerId, engine, owner: { scope } });
  return [waiting, ...(container === undefined ? [] : [container])].join('\n');
}

async function describeContainer(
  dependency: Dependency,
  deaths?: Map<Dependency, string>,
): Promise<string | undefined> {
  const { capturePostMortem, describeState } = loadLate.postMortem();
  const { id, engine, shared } = dependency;
  if (id === undefined) return undefined;
  const { connectEngine } = loadLate.connect();
  const postMortem = await capturePostMortem(await connectEngine(engine), id);
  const title = shared === undefined ? '' : `${shared}: `;
  if (postMortem === undefined)
    return shared === undefined
      ? undefined
      : `${title}container ${shortId(id)}${lineOf(dependency)} no longer exists`;
  if (/^(?:exited|dead)$/.test(postMortem.status ?? '')) deaths?.set(dependency, describeState(postMortem));
  return `${title}${format(postMortem)}`;
}

/** Describes a container that an earlier message has shown, in one line, unless it runs. */
async function describeDead(
  dependency: Dependency,
  deaths: Map<Dependency, string>,
): Promise<string | undefined> {
  const text = await describeContainer(dependency, deaths);
  const [first = ''] = text?.split('\n') ?? [];
  return text === undefined || first.endsWith(': running') ? undefined : `${first}${lineOf(dependency)}`;
}

function lineOf({ owner: { source } }: Dependency): string {
  return source === undefined ? '' : ` (${source})`;
}

/** Describes the services of a Compose project that exited with a failure, even if it has been removed. */
async function describeProject(
  { name = '' }: RegistryEntry,
  capture: AttachedRun['capture'],
): Promise<string | undefined> {
  const texts = (await capture.postMortems(name)).slice(-maxContainers).map(format);
  return texts.length === 0 ? undefined : texts.join('\n\n');
}

function format(postMortem: PostMortem): string {
  const logLines = postMortem.logLines.slice(-maxLogLines);
  return loadLate.postMortem().formatPostMortem({ ...postMortem, logLines });
}
