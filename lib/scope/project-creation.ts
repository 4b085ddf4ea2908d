import { claimKey, isWithin, withoutCreationTime, type Bounds } from '../core/bounds';
import {
  composeContainerLabel,
  composeOneOffLabel,
  composeProjectLabel,
  composeServiceLabel,
} from '../core/labels';
import { deriveProjectName } from '../commands/derive-project-name';
import { projectsIn, unnamedOf } from '../commands/new-project';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import { listTargets, type ListedTarget } from '../engine/list-targets';
import { claimLabels, releaseLabels } from '../registry/claims';
import type { RegistryEntry } from '../registry/entry';
import { projectFolders, realPath, type ProjectLocation } from '../resources/project-folder';
import {
  CommandCreation,
  locateMs,
  type CreatingCommand,
  type CreatedResource,
  type RegisteredCommand,
} from './command-creation';

/**
 * The parts that a command adds to a Compose project, found by comparing what the engine has before and
 * after. In a project of others, a container that replaces one of theirs stays theirs.
 */
export class ProjectCreation extends CommandCreation {
  readonly #at: ProjectLocation;
  /** Everything that belonged to a Compose project before the command. */
  #before: readonly ListedTarget[] = [];
  #bounds: Bounds | undefined;
  #name: string | undefined;
  /** The project that is claimed, which may not be the one that is found. */
  #claimed: string | undefined;
  /** Whether the command has exited and its parts are known: later ones are not its own. */
  #isComplete = false;

  constructor(command: CreatingCommand, at: ProjectLocation) {
    super(command, 'compose-project');
    this.#at = at;
    this.#name = at.project;
  }

  protected override get name(): string | undefined {
    return this.#name;
  }

  protected override async observe(engine: Engine): Promise<void> {
    this.#before = await listTargets(engine, [composeProjectLabel]);
  }

  protected override async claim(registered: RegisteredCommand): Promise<readonly string[]> {
    const name = this.#name ?? deriveProjectName(this.#at, this.command.line);
    if (name !== undefined && !this.#isOfOthers(name, registered)) {
      const existing = this.#before.filter(isPartOf(name)).map(stableIdentityOf);
      await this.#replaceClaim(registered, name, { except: existing });
    }
    return this.command.launch.args;
  }

  protected override async look(registered: RegisteredCommand, hasExited: boolean): Promise<void> {
    if (!hasExited) return;
    await this.#find(registered, locateMs);
    this.#isComplete = true;
  }

  protected override async find(registered: RegisteredCommand): Promise<CreatedResource | undefined> {
    const isFound = await this.#find(registered, this.command.context.cleanupTimeoutMs);
    const name = this.#name;
    if (!isFound || name === undefined) return undefined;
    return { kind: 'compose-project', id: name, name, bounds: this.#bounds };
  }

  protected override async settleMissing() {
    if (this.#claimed !== undefined) await releaseLabels(labelsOf(this.#claimed), this.#bounds);
    return this.#bounds?.only === undefined ? 'never-created' : 'removed-elsewhere';
  }

  /** Resolves to whether the project has parts that the command created; claims new ones. */
  async #find(registered: RegisteredCommand, timeoutMs: number): Promise<boolean> {
    const { entry, engine } = registered;
    const listed = await listTargets(
      engine.within({ timeoutMs }),
      [composeProjectLabel],
      ['container', 'network', 'volume'],
    );
    const existing = new Set(this.#before.map(stableIdentityOf));
    const added = listed.filter((part) => !existing.has(stableIdentityOf(part)));
    const name = this.#name ?? this.#nameOf(added);
    if (name === undefined) return false;
    const theirs = this.#isOfOthers(name, registered) ? this.#before.filter(isPartOf(name)) : [];
    const created = added
      .filter((part) => isPartOf(name)(part) && !isReplacement(part, theirs))
      .map((part) => identityOf(part));
    if (this.#isComplete) return covers({ id: undefined, bounds: this.#bounds }, created);
    if (created.length === 0) return false;
    this.#name = name;
    await this.#replaceClaim(registered, name, { only: created });
    this.command.context.registry.update(entry.key, { id: name, name, state: 'present' });
    return true;
  }

  /** Replaces the claim, without a gap. */
  async #replaceClaim(
    { entry: { key }, isOwnEngine }: RegisteredCommand,
    project: string,
    bounds: Bounds,
  ): Promise<void> {
    const previous = this.#bounds;
    this.#bounds = bounds;
    this.command.context.registry.update(key, { bounds });
    // A project with that name on the reaper's engine may belong to others.
    if (!isOwnEngine) return;
    const [before, labels] = [labelsOf(this.#claimed ?? project), labelsOf(project)];
    this.#claimed = project;
    await claimLabels(labels, bounds);
    if (previous !== undefined && claimKey(before, previous) !== claimKey(labels, bounds))
      await releaseLabels(before, previous);
  }

  #nameOf(added: readonly ListedTarget[]): string | undefined {
    const folders = projectFolders(this.#at, this.command.line.cwd ?? process.cwd());
    return unnamedOf(projectsIn(folders, added, realPath), folders[0] ?? '');
  }

  /** Whether parts of the project existed before that this process did not create. */
  #isOfOthers(name: string, { entry: { key }, engine }: RegisteredCommand): boolean {
    const known = this.command.context.registry
      .list({ kind: 'compose-project' })
      .filter((other) => other.name === name && other.state !== 'gone' && other.key !== key)
      .filter((other) => other.engine === undefined || other.engine === engine.address);
    // Compose keeps the images that it built as a cache.
    const parts = this.#before.filter((part) => part.kind !== 'image' && isPartOf(name)(part));
    return parts.some((part) => !known.some((project) => covers(project, [identityOf(part)])));
  }
}

/** Whether a project includes one of the parts; one without bounds includes all once it was found. */
function covers({ id, bounds }: Pick<RegistryEntry, 'id' | 'bounds'>, parts: readonly string[]): boolean {
  if (bounds === undefined) return id !== undefined;
  const { except, only } = bounds;
  const stable = { except, only: only?.map(withoutCreationTime) };
  return parts.some((part) => isWithin(withoutCreationTime(part), stable));
}

/** Whether the part is a container that Compose created in place of an earlier one of the same service. */
function isReplacement({ kind, labels }: ListedTarget, before: readonly ListedTarget[]): boolean {
  if (kind !== 'container' || labels[composeOneOffLabel] === 'True') return false;
  const isSame = (name: string) => (other: ListedTarget) => other.labels[name] === labels[name];
  return before
    .filter((other) => other.kind === 'container' && other.labels[composeOneOffLabel] !== 'True')
    .filter(isSame(composeServiceLabel))
    .some(isSame(composeContainerLabel));
}

const isPartOf =
  (project: string) =>
  ({ labels }: ListedTarget): boolean =>
    labels[composeProjectLabel] === project;

function stableIdentityOf(part: ListedTarget): string {
  return withoutCreationTime(identityOf(part));
}

function labelsOf(project: string): readonly string[] {
  return [`${composeProjectLabel}=${project}`];
}
