import { withTimeout } from '../core/timeout';
import type { Bounds } from '../core/bounds';
import { composeProjectLabel, ownershipLabels, type Labels } from '../core/labels';
import { warnCapture } from '../core/warnings';
import type { EntryOwner, RegistryEntry } from '../registry/entry';
import type { KnownResource } from '../registry/registry';
import { sessionIdentity } from '../registry/session-identity';
import type { ResourceKind } from '../core/kinds';
import { TeardownCalls } from './teardown-calls';
import { KnownEngines } from './known-engines';
import type { CaptureOptions } from './capture';
import type { Attribution, CreatedByCode } from './created-by';

interface NewResource extends Omit<KnownResource, 'origin' | 'engine'> {
  readonly kind: ResourceKind;
  readonly hasFixedNameOrPort: boolean;
  readonly isAutoRemoved?: boolean | undefined;
  readonly isHelper?: boolean | undefined;
}

/** State shared by the trackers of a capture: the captured resources and the pending work on them. */
export class TrackedResources {
  readonly options: CaptureOptions;
  readonly engines = new KnownEngines();
  readonly teardownCalls = new TeardownCalls();
  /** Keys of containers with a fixed name or host port. */
  readonly fixedNameOrPortKeys = new Set<string>();
  readonly fixedNameOrPortIds = new Set<string>();
  /** Keys of containers that the engine removes when they exit. */
  readonly autoRemovedKeys = new Set<string>();
  /** Keys of helpers that testcontainers creates for itself. */
  readonly helperKeys = new Set<string>();
  /** Keys of resources with a pending removal request of user code. */
  readonly removingKeys = new Set<string>();
  /** Keys of resources created by commands and by `fetch`, whose results castoff does not read. */
  readonly commandKeys = new Set<string>();
  /** Keys of names that commands gave to images, which carry no labels. */
  readonly nameKeys = new Set<string>();
  /** Keys of resources whose command is still running, or whose request has no response yet. */
  readonly inFlightKeys = new Set<string>();
  /** Names of Compose projects that user code has brought down. */
  readonly downedProjects = new Set<string>();
  readonly #pending = new Set<Promise<unknown>>();

  constructor(options: CaptureOptions) {
    this.options = options;
  }

  /** Returns the captured entries that were neither removed nor kept. */
  activeEntries(): readonly RegistryEntry[] {
    const { registry } = this.options;
    return registry
      .list()
      .filter(({ origin, state }) => origin === 'raw' && state !== 'gone' && state !== 'kept');
  }

  /** Returns the entry with that key if it is among {@link activeEntries}. */
  activeEntry(key: string): RegistryEntry | undefined {
    return this.activeEntries().find((entry) => entry.key === key);
  }

  /** Returns the active entry of the Compose project with that name. */
  activeProject(name: string): RegistryEntry | undefined {
    return this.activeEntries().find((entry) => entry.kind === 'compose-project' && entry.name === name);
  }

  /** Whether that container has a fixed name or host port. */
  hasFixedNameOrPort(containerId: string): boolean {
    if (this.fixedNameOrPortIds.has(containerId)) return true;
    const entry = this.options.registry
      .list()
      .find(({ kind, id }) => kind === 'container' && id === containerId);
    return entry !== undefined && this.fixedNameOrPortKeys.has(entry.key);
  }

  /** Registers a resource before its creation. Resolves when the entry is on disk. */
  async register(resource: NewResource, by: CreatedByCode, engine: string): Promise<RegistryEntry> {
    const { kind, name, image } = resource;
    const known = { origin: 'raw', name, image, engine } as const;
    const entry = await this.options.registry.register(kind, ownerOf(by), known);
    return this.#keep(resource, entry, by.attribution);
  }

  /** Like {@link register}, but synchronous, for commands. */
  note(resource: NewResource, by: CreatedByCode): RegistryEntry {
    const { kind, name, registeredAt } = resource;
    const entry = this.options.registry.note(kind, ownerOf(by), { origin: 'raw', name, registeredAt });
    return this.#keep(resource, entry, by.attribution);
  }

  #keep(resource: NewResource, entry: RegistryEntry, { isOver = false }: Attribution): RegistryEntry {
    const { hasFixedNameOrPort, isAutoRemoved = false, isHelper = false } = resource;
    if (hasFixedNameOrPort) this.fixedNameOrPortKeys.add(entry.key);
    if (isAutoRemoved) this.autoRemovedKeys.add(entry.key);
    if (isHelper) this.helperKeys.add(entry.key);
    // Its test file has finished already, so no later check of that file would find it.
    return isOver && !isHelper ? this.options.registry.update(entry.key, { leakedAt: new Date() }) : entry;
  }

  /** Returns the labels that name the owner of a resource. */
  labelsOf(entry: RegistryEntry, { owner, worker }: Attribution): Labels {
    return ownershipLabels({
      ...entry.owner,
      session: this.options.session,
      owner: owner ?? sessionIdentity().owner,
      start: entry.key,
      worker,
      createdAt: entry.registeredAt,
    });
  }

  /**
   * Gets the run ready for what a command creates. Not awaited, as a command cannot wait: if the run fails to
   * get ready, the next create request fails.
   */
  prepareRun(): void {
    void Promise.allSettled([this.options.ready()]);
  }

  /** Claims parts of a Compose project, then releases `replaced`. A failure is also a warning. */
  claimProject(project: string, consequence: string, bounds?: Bounds, replaced?: Bounds): Promise<unknown> {
    const labels = [`${composeProjectLabel}=${project}`];
    const claiming = this.options
      .claim(labels, bounds)
      .then(() => replaced && this.options.release(labels, replaced));
    claiming.catch((error: unknown) => warnCapture(`claim Compose project ${project}`, error, consequence));
    return claiming;
  }

  /** Adds work for {@link settle} to wait for. `work` must never reject. */
  addPending(work: Promise<unknown>): void {
    this.#pending.add(work);
    void work.finally(() => this.#pending.delete(work));
  }

  /** Resolves when no work is pending, or after `timeoutMs`. */
  async settle(timeoutMs: number): Promise<void> {
    const awaited = [...this.#pending];
    const all = Promise.all(awaited);
    // Can only reject with a DeadlineError.
    await Promise.allSettled([withTimeout(all, { what: 'wait for pending requests', timeoutMs })]);
    // Work that never finishes must not delay the next file.
    for (const work of awaited) this.#pending.delete(work);
  }
}

function ownerOf({ attribution: { scope, test }, source }: CreatedByCode): EntryOwner {
  return { scope, test, source };
}
