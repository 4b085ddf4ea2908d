import { composeProjectLabel, creationLabels } from '../core/labels';
import { connectEngine } from '../engine/connect';
import type { RegistryEntry } from '../registry/entry';
import type { PostMortem } from '../resources/post-mortem';
import { hasGeneratedName } from '../resources/compose-project';
import type { CreatedBy } from './create-tracker';
import { meaningOfCommand, type CommandLine, type CommandMeaning } from './docker-command';
import type { Insertion } from './launch';
import { registerLeft, volumesLeftByCommand } from './anonymous-volumes';
import type { TrackedResources } from './tracked-resources';
import { ProjectCommands } from './project-commands';
import { ProjectWatches } from './project-watches';
import { warnCapture } from './warn';

type Creation = Extract<CommandMeaning, { type: 'create' }>;

type Ended = () => Promise<unknown>;

/** Sees to docker commands that this process runs. They cannot be held: Node runs them at once. */
export class CommandTracker {
  readonly #tracked: TrackedResources;
  readonly #orders: ProjectCommands;
  readonly #watches = new ProjectWatches();

  constructor(tracked: TrackedResources) {
    this.#tracked = tracked;
    this.#orders = new ProjectCommands(tracked);
  }

  /**
   * Notes what a command is about to do; what it is to be given beside its arguments.
   *
   * @param ended - Resolves when it has ended.
   */
  see(line: CommandLine, ended: Ended, createdBy: CreatedBy): Insertion | undefined {
    if (isForAnotherEngine(line.env)) return undefined;
    const meaning = meaningOfCommand(line);
    if (isCreation(meaning) && createdBy.start === undefined) this.#hold();
    switch (meaning?.type) {
      case 'create':
        return this.#create(ended, meaning, createdBy);
      case 'up':
        if (createdBy.start !== undefined) return undefined;
        this.#watches.begin(meaning.project);
        // A name that was chosen may be that of a project which is up already.
        if (hasGeneratedName(meaning.project)) this.#up(ended, meaning.project, createdBy);
        else this.#orders.up({ project: meaning.project }, line, ended, createdBy);
        return undefined;
      case 'up-unnamed':
        if (createdBy.start === undefined) this.#orders.up(meaning.at, line, ended, createdBy);
        return undefined;
      case 'down-unnamed':
        this.#orders.down(meaning.at, line.cwd);
        this.#tracked.addPending(ended());
        return undefined;
      case 'down':
        this.#tracked.downedProjects.add(meaning.project);
        this.#tracked.addPending(ended().then(() => this.#watches.end(meaning.project)));
        return undefined;
      case 'remove': {
        const whenEnded = ended();
        this.#tracked.addPending(whenEnded);
        const source = createdBy.start === undefined ? createdBy.source : undefined;
        const { ending } = meaning;
        if (ending === undefined) return undefined;
        for (const ref of ending.refs)
          this.#tracked.endingCalls.follow({ ...ending, ref, source }, whenEnded);
        if (ending.verb === 'remove' && !ending.removesVolumes)
          this.#followVolumes(line, ending.refs, whenEnded);
        return undefined;
      }
      case undefined:
        return undefined;
    }
  }

  #followVolumes(line: CommandLine, refs: readonly string[], ended: Promise<unknown>): void {
    const left = volumesLeftByCommand(this.#tracked, line, refs).filter(({ names }) => names.length > 0);
    if (left.length > 0) this.#tracked.addPending(ended.then(() => registerLeft(this.#tracked, left)));
  }

  /** What the services of a Compose project were like that ended by themselves with a failure. */
  postMortems(project: string): Promise<readonly PostMortem[]> {
    return this.#watches.postMortems(project);
  }

  stop(): void {
    this.#watches.stop();
  }

  /** Looks for the projects that commands have brought up; that is under way then. */
  lookForProjects(): void {
    this.#orders.look();
  }

  // What goes wrong here is no reason not to label what the command creates.
  #hold(): void {
    try {
      this.#tracked.options.holdRun?.();
    } catch (error) {
      warnCapture('take a lease before a command', error, 'no reaper holds what it creates yet');
    }
  }

  #create(ended: Ended, creation: Creation, createdBy: CreatedBy): Insertion {
    if (createdBy.start !== undefined) return labelFlags(creation, createdBy.start.labels);
    const entry = this.#tracked.note(creation, createdBy.attribution, createdBy.source);
    this.#follow(ended, entry);
    return labelFlags(creation, this.#tracked.labelsOf(entry, createdBy.attribution));
  }

  #up(ended: Ended, project: string, createdBy: Extract<CreatedBy, { start?: undefined }>): void {
    this.#tracked.downedProjects.delete(project);
    const isKnown = this.#tracked
      .open()
      .some(({ kind, name }) => kind === 'compose-project' && name === project);
    if (isKnown) return;
    const ordered = { kind: 'compose-project', name: project, hasFixedNameOrPort: false } as const;
    const entry = this.#tracked.note(ordered, createdBy.attribution, createdBy.source);
    this.#tracked.options.registry.update(entry.key, { id: project });
    const claiming = this.#tracked.options.claim([`${composeProjectLabel}=${project}`]);
    claiming.catch((error: unknown) =>
      warnCapture(`docker compose --project-name ${project}`, error, 'a crash would leave it'),
    );
    this.#follow(ended, entry);
  }

  /** What a command that still runs may yet create is not said to be gone. */
  #follow(ended: Ended, entry: RegistryEntry): void {
    const { options, runningKeys, commandKeys } = this.#tracked;
    commandKeys.add(entry.key);
    runningKeys.add(entry.key);
    void ended().then(() => runningKeys.delete(entry.key));
    // Asked for, not waited for: where the run cannot be made ready, the next request that can wait says why.
    void Promise.allSettled([options.ready()]);
    const locating = connectEngine().then(({ address }) =>
      options.registry.update(entry.key, { engine: address }),
    );
    // Without an engine the command comes to nothing either.
    void Promise.allSettled([locating]);
  }
}

function isCreation(meaning: CommandMeaning | undefined): boolean {
  return meaning?.type === 'create' || meaning?.type === 'up' || meaning?.type === 'up-unnamed';
}

/** Without a HOME docker asks the system for the user's. */
function isForAnotherEngine(env: CommandLine['env']): boolean {
  const isOther = (name: string): boolean => (env[name] ?? '') !== (process.env[name] ?? '');
  return (
    ['DOCKER_HOST', 'DOCKER_CONTEXT', 'DOCKER_CONFIG'].some(isOther) ||
    (Boolean(env['HOME']) && isOther('HOME'))
  );
}

function labelFlags({ flagsAt, kind }: Creation, labels: Readonly<Record<string, string>>): Insertion {
  const words = Object.entries({ ...labels, ...creationLabels(kind) }).flatMap(([name, value]) => [
    '--label',
    `${name}=${value}`,
  ]);
  return { at: flagsAt, words };
}
