import { createsReaper, isHelper, isUntracked } from '../capture/creation-ownership';
import type { CreateOutcome } from '../capture/create-response';
import type { NamedVolume } from '../capture/named-volumes';
import type { CreateRequest } from '../capture/read-create-request';
import { messageOf } from '../core/errors';
import {
  composeProjectLabel,
  creationLabels,
  labelNames,
  ownershipLabels,
  type Labels,
} from '../core/labels';
import type { Answer, Engine } from '../engine/engine';
import type { RegistryEntry } from '../registry/entry';
import type { Registry } from '../registry/registry';
import { commandScope } from '../registry/scope-names';
import { sessionIdentity } from '../registry/session-identity';
import type { RelayedCreation } from '../relay/creation';
import type { CreationPlan } from '../relay/exchange';
import type { ProjectGate } from './project-gate';

interface CreationsOptions {
  readonly session: string;
  readonly registry: Registry;
  readonly connecting: Promise<Engine>;
  /** The command line, which created what nothing else is known of. */
  readonly command: string;
  readonly projects: Pick<ProjectGate, 'isOurs'>;
  /** Resolves when a reaper holds the lease on what carries the session's labels. */
  readonly ready: () => Promise<void>;
  /** Creates a volume, unless one with that name exists. */
  readonly createVolume: (volume: NamedVolume, labels: Labels) => Promise<Answer<unknown>>;
  /** Called for each creation that goes out without labels, with the reason: it fails the run. */
  readonly onUnlabelled: (creation: string) => Promise<void>;
}

/** The resources that the command creates through the relay: registered, then created with the session's labels. */
export class Creations {
  readonly #options: CreationsOptions;
  readonly #autoRemoved = new Set<string>();
  readonly #inner = new Set<string>();
  readonly #reapers = new Set<string>();
  /** The keys of volumes that were created for a container, and the names of those that a container got. */
  readonly #volumes = new Set<string>();
  readonly #mounted = new Set<string>();

  constructor(options: CreationsOptions) {
    this.#options = options;
  }

  /** The castoff sessions of the command's own processes, which own and report what they label. */
  get innerSessions(): ReadonlySet<string> {
    return this.#inner;
  }

  /** The names of the reapers that the command's Testcontainers have started. */
  get reapers(): ReadonlySet<string> {
    return this.#reapers;
  }

  /** Whether the engine removes the container of that entry when it exits. */
  isAutoRemoved({ key }: RegistryEntry): boolean {
    return this.#autoRemoved.has(key);
  }

  /** Whether it is a volume whose container could not be created: castoff's own, which is no leak. */
  isUnusedVolume({ key, name = '' }: RegistryEntry): boolean {
    return this.#volumes.has(key) && !this.#mounted.has(name);
  }

  /**
   * Plans a creation. Resolves to `undefined` for what is not the session's: labelled by another session, a reaper,
   * meant to stay, or part of a Compose project that existed before.
   *
   * @throws EngineError when the parts of a Compose project cannot be listed; CastoffError as `openSession` does.
   */
  async plan({ request, path, unlabelled }: RelayedCreation): Promise<CreationPlan | undefined> {
    const { session, projects, ready, onUnlabelled } = this.#options;
    if (unlabelled !== undefined) {
      await onUnlabelled(`POST ${path.split('?')[0]}: ${unlabelled}`);
      return undefined;
    }
    const owner = request.labels[labelNames.session];
    if (owner !== undefined && owner !== session) this.#inner.add(owner);
    if (createsReaper(request) && request.name !== undefined) this.#reapers.add(request.name);
    if (isUntracked(request, path) || isTagged(request, path)) return undefined;
    const project = request.labels[composeProjectLabel];
    if (project !== undefined && request.kind !== 'image' && !(await projects.isOurs(project)))
      return undefined;
    await ready();
    const { address } = await this.#options.connecting;
    for (const volume of request.namedVolumes) await this.#createVolume(volume, address);
    const { entry, labels } = this.#register(request, address);
    if (request.isAutoRemoved) this.#autoRemoved.add(entry.key);
    const settle = async (outcome: CreateOutcome | undefined): Promise<void> => {
      if (outcome?.isCreated !== false) for (const { name } of request.namedVolumes) this.#mounted.add(name);
      this.#settle(entry, outcome);
    };
    return { labels, settle };
  }

  /** Registers a resource of the command. Returns the labels to create it with, too. */
  #register({ kind, name, image }: Pick<CreateRequest, 'kind' | 'name' | 'image'>, engine: string) {
    const { session, registry, command } = this.#options;
    const by = { scope: commandScope, test: command };
    const entry = registry.note(kind, by, { origin: 'raw', name, image, engine });
    const { owner } = sessionIdentity();
    const created = { start: entry.key, createdAt: entry.registeredAt };
    return { entry, labels: ownershipLabels({ ...entry.owner, session, owner, ...created }) };
  }

  /**
   * Creates a volume with labels, unless it exists: the engine would create it with the container, without any.
   * The end of the run finds by its labels whether it is the command's.
   */
  async #createVolume(volume: NamedVolume, engine: string): Promise<void> {
    const { entry, labels } = this.#register({ kind: 'volume', name: volume.name }, engine);
    this.#volumes.add(entry.key);
    const ownership = { ...labels, ...creationLabels('volume') };
    const answer = await this.#options.createVolume(volume, { ...volume.labels, ...ownership });
    if (answer.meaning === 'done') return;
    // With other options than this one, it existed before.
    if (answer.meaning === 'refused')
      this.#options.registry.update(entry.key, { state: 'gone', outcome: 'never-created' });
    else await this.#options.onUnlabelled(`volume ${volume.name}: ${messageOf(answer.error)}`);
  }

  #settle({ key, kind, name }: RegistryEntry, outcome: CreateOutcome | undefined): void {
    // Unknown for now: the end of the run finds it by its labels.
    if (outcome === undefined) return;
    const { registry } = this.#options;
    if (!outcome.isCreated) registry.update(key, { state: 'gone', outcome: 'never-created' });
    else if (kind === 'image')
      registry.update(key, { state: 'present', id: name ?? outcome.id, identity: outcome.id });
    else registry.update(key, { state: 'present', id: outcome.id });
  }
}

/** Whether it builds, imports or commits an image with a name, which is meant to stay. */
function isTagged(request: CreateRequest, path: string): boolean {
  return request.kind === 'image' && request.name !== undefined && !isHelper(request, path);
}
