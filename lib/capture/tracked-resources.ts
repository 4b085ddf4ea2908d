import { withTimeout } from '../core/timeout';
import { ownershipLabels } from '../core/labels';
import type { RegistryEntry } from '../registry/entry';
import { sessionIdentity } from '../registry/session-identity';
import type { ResourceKind } from '../resources/kind';
import { EndingCalls } from './ending-calls';
import { KnownEngines } from './known-engines';
import type { CaptureOptions, Attribution } from './capture';

interface NewResource {
  readonly kind: ResourceKind;
  readonly name?: string | undefined;
  readonly image?: string | undefined;
  readonly hasFixedNameOrPort: boolean;
  readonly isAutoRemoved?: boolean | undefined;
  readonly isHelper?: boolean | undefined;
  /** When it was asked for. Default: now. */
  readonly registeredAt?: Date | undefined;
}

/** What the parts of a watch share: the things that they have seen, and what is under way with them. */
export class TrackedResources {
  readonly options: CaptureOptions;
  readonly engines = new KnownEngines();
  readonly endingCalls = new EndingCalls();
  /** The entries of containers that have a name or a host port of their own. */
  readonly fixedNameOrPortKeys = new Set<string>();
  readonly fixedNameOrPortIds = new Set<string>();
  /** Those of containers that the engine removes as they end. */
  readonly autoRemovedKeys = new Set<string>();
  /** Those of what testcontainers makes on the way. */
  readonly helperKeys = new Set<string>();
  /** The entries of what the code is removing by a request. */
  readonly removingKeys = new Set<string>();
  /** The entries of what a command creates. */
  readonly commandKeys = new Set<string>();
  /** Those whose command still runs, or whose request has no answer yet: they may be created yet. */
  readonly runningKeys = new Set<string>();
  /** Compose projects that the code has brought down. */
  readonly downedProjects = new Set<string>();
  readonly #pending = new Set<Promise<unknown>>();

  constructor(options: CaptureOptions) {
    this.options = options;
  }

  /** The raw entries that are not known to have ended. */
  open(): readonly RegistryEntry[] {
    const { registry } = this.options;
    return registry
      .list()
      .filter(({ origin, state }) => origin === 'raw' && state !== 'gone' && state !== 'kept');
  }

  openEntry(key: string): RegistryEntry | undefined {
    return this.open().find((entry) => entry.key === key);
  }

  hasFixedNameOrPort(containerId: string): boolean {
    if (this.fixedNameOrPortIds.has(containerId)) return true;
    const entry = this.options.registry
      .list()
      .find(({ kind, id }) => kind === 'container' && id === containerId);
    return entry !== undefined && this.fixedNameOrPortKeys.has(entry.key);
  }

  /** Notes what is about to be created, on disk when this resolves. */
  async register(
    resource: NewResource,
    attribution: Attribution,
    source: string | undefined,
    engine: string,
  ): Promise<RegistryEntry> {
    const { kind, name, image } = resource;
    const { scope, test } = attribution;
    const known = { origin: 'raw', name, image, engine } as const;
    const entry = await this.options.registry.register(kind, { scope, test, source }, known);
    return this.#keep(resource, entry, attribution);
  }

  /** As {@link register}, for a command, which does not wait. */
  note(resource: NewResource, attribution: Attribution, source: string | undefined): RegistryEntry {
    const { kind, name, registeredAt } = resource;
    const { scope, test } = attribution;
    const known = { origin: 'raw', name, registeredAt } as const;
    const entry = this.options.registry.note(kind, { scope, test, source }, known);
    return this.#keep(resource, entry, attribution);
  }

  #keep(resource: NewResource, entry: RegistryEntry, { isOver = false }: Attribution): RegistryEntry {
    const { hasFixedNameOrPort, isAutoRemoved = false, isHelper = false } = resource;
    if (hasFixedNameOrPort) this.fixedNameOrPortKeys.add(entry.key);
    if (isAutoRemoved) this.autoRemovedKeys.add(entry.key);
    if (isHelper) this.helperKeys.add(entry.key);
    // Its file has ended already: no later check of that file will find it.
    return isOver && !isHelper ? this.options.registry.update(entry.key, { leakedAt: new Date() }) : entry;
  }

  /** What is put on a thing, so that it is known whose it is. */
  labelsOf(
    entry: RegistryEntry,
    { scope, test, owner, worker }: Attribution,
  ): Readonly<Record<string, string>> {
    return ownershipLabels({
      session: this.options.session,
      owner: owner ?? sessionIdentity().owner,
      scope,
      start: entry.key,
      test,
      source: entry.owner.source,
      worker,
      createdAt: entry.registeredAt,
    });
  }

  /** Has `work`, which never rejects, waited for before it is asked what there is. */
  addPending(work: Promise<unknown>): void {
    this.#pending.add(work);
    void work.finally(() => this.#pending.delete(work));
  }

  /** Resolves when nothing is under way, or when the time is up. */
  async settle(timeoutMs: number): Promise<void> {
    const awaited = [...this.#pending];
    const all = Promise.all(awaited);
    // Only a DeadlineError: whoever asks then hears what the engine says by then.
    await Promise.allSettled([withTimeout(all, { what: 'wait for requests that are under way', timeoutMs })]);
    // What never ends is not waited for again: each has had its time.
    for (const work of awaited) this.#pending.delete(work);
  }
}
