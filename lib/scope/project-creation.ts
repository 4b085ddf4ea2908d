import { claimKey, isWithin, withoutCreationTime, type Bounds } from '../core/bounds';
import { messageOf } from '../core/errors';
import {
  composeContainerLabel,
  composeOneOffLabel,
  composeProjectLabel,
  composeServiceLabel,
} from '../core/labels';
import { projectsIn, unnamedOf } from '../commands/new-project';
import type { Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import { listTargets, type ListedTarget } from '../engine/list-targets';
import { claimLabels, releaseLabels } from '../registry/claims';
import type { RegistryEntry } from '../registry/entry';
import { projectFolders, realPath, type ProjectLocation } from '../resources/project-folder';
import {
  engineOfCommand,
  locateMs,
  prepared,
  type CommandCreation,
  type CreatingCommand,
  type PreparedCommand,
} from './command-creation';
import type { OwnedTarget } from './owned-resource';

interface RegisteredProject {
  readonly entry: RegistryEntry;
  readonly engine: Engine;
  /** Everything that belonged to a Compose project before the command. */
  readonly before: readonly ListedTarget[];
}

/**
 * The parts that a command adds to a Compose project, found by comparing what the engine has before and
 * after. In a project of others, a container that replaces one of theirs stays theirs.
 */
export class ProjectCreation implements CommandCreation {
  readonly #command: CreatingCommand;
  readonly #at: ProjectLocation;
  #preparing: Promise<PreparedCommand> | undefined;
  #registered: RegisteredProject | undefined;
  #bounds: Bounds | undefined;
  #name: string | undefined;
  /** Whether the command has exited and its parts are known: later ones are not its own. */
  #isComplete = false;

  constructor(command: CreatingCommand, at: ProjectLocation) {
    this.#command = command;
    this.#at = at;
    this.#name = at.project;
  }

  prepare(): Promise<PreparedCommand> {
    return (this.#preparing ??= this.#prepare());
  }

  async #prepare(): Promise<PreparedCommand> {
    const { launch, source, context } = this.#command;
    const engine = await engineOfCommand(this.#command);
    if (engine === undefined) return prepared(launch.args);
    const before = await listTargets(engine, [composeProjectLabel]);
    const known = { name: this.#name, engine: engine.address };
    const entry = await context.registry.register('compose-project', context.owner(source), known);
    this.#registered = { entry, engine, before };
    if (this.#name !== undefined && !this.#isOfOthers(this.#name)) {
      const existing = before
        .filter(isPartOf(this.#name))
        .map((part) => withoutCreationTime(identityOf(part)));
      await this.#claim(this.#name, { except: existing });
    }
    return prepared(launch.args, { key: entry.key, labels: context.labels(entry.key, source) });
  }

  async locate(hasExited: boolean): Promise<void> {
    if (!hasExited) return;
    // The close of the scope lists again, and reports its failure.
    const [finding] = await Promise.allSettled([this.#find(locateMs)]);
    this.#isComplete = finding.status === 'fulfilled';
  }

  async target(): Promise<OwnedTarget | undefined> {
    // The command reports its failure.
    await Promise.allSettled([this.#preparing]);
    if (this.#registered === undefined) return undefined;
    const { entry, engine } = this.#registered;
    const { registry, cleanupTimeoutMs } = this.#command.context;
    try {
      const isFound = await this.#find(cleanupTimeoutMs);
      if (isFound && this.#name !== undefined)
        return {
          kind: 'compose-project',
          id: this.#name,
          name: this.#name,
          bounds: this.#bounds,
          key: entry.key,
          engine,
        };
      if (this.#name !== undefined) await releaseLabels(labelsOf(this.#name), this.#bounds);
      const outcome = this.#bounds?.only === undefined ? 'never-created' : 'removed-elsewhere';
      registry.update(entry.key, { state: 'gone', outcome });
      return undefined;
    } catch (error) {
      registry.update(entry.key, { state: 'left', failure: messageOf(error) });
      throw error;
    }
  }

  /** Resolves to whether the project has parts that the command created; claims new ones. */
  async #find(timeoutMs: number): Promise<boolean> {
    if (this.#registered === undefined) return false;
    const { entry, engine, before } = this.#registered;
    const listed = await listTargets(
      engine.within({ timeoutMs }),
      [composeProjectLabel],
      ['container', 'network', 'volume'],
    );
    const existing = new Set(before.map((part) => withoutCreationTime(identityOf(part))));
    const added = listed.filter((part) => !existing.has(withoutCreationTime(identityOf(part))));
    const name = this.#name ?? this.#nameOf(added);
    if (name === undefined) return false;
    const theirs = this.#isOfOthers(name) ? before.filter(isPartOf(name)) : [];
    const created = added
      .filter((part) => isPartOf(name)(part) && !isReplacement(part, theirs))
      .map((part) => identityOf(part));
    if (this.#isComplete) return covers({ id: undefined, bounds: this.#bounds }, created);
    if (created.length === 0) return false;
    this.#name = name;
    await this.#claim(name, { only: created });
    this.#command.context.registry.update(entry.key, { id: name, name, state: 'present' });
    return true;
  }

  /** Replaces the claim, without a gap. */
  async #claim(project: string, bounds: Bounds): Promise<void> {
    const previous = this.#bounds;
    this.#bounds = bounds;
    const { entry } = this.#registered ?? {};
    if (entry !== undefined) this.#command.context.registry.update(entry.key, { bounds });
    const labels = labelsOf(project);
    await claimLabels(labels, bounds);
    if (previous !== undefined && claimKey(labels, previous) !== claimKey(labels, bounds))
      await releaseLabels(labels, previous);
  }

  #nameOf(added: readonly ListedTarget[]): string | undefined {
    const folders = projectFolders(this.#at, this.#command.line.cwd ?? process.cwd());
    return unnamedOf(projectsIn(folders, added, realPath), folders[0] ?? '');
  }

  /** Whether parts of the project existed before that this process did not create. */
  #isOfOthers(name: string): boolean {
    const { before = [], entry } = this.#registered ?? {};
    const known = this.#command.context.registry
      .list({ kind: 'compose-project' })
      .filter((other) => other.name === name && other.state !== 'gone' && other.key !== entry?.key);
    // Compose keeps the images that it built as a cache.
    const parts = before.filter((part) => part.kind !== 'image' && isPartOf(name)(part));
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

function labelsOf(project: string): readonly string[] {
  return [`${composeProjectLabel}=${project}`];
}
