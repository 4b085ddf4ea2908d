import { labelNames } from '../core/labels';
import { warnCapture } from '../core/warnings';
import { connectEngine } from '../engine/connect';
import type { RegistryEntry } from '../registry/entry';
import type { PostMortem } from '../resources/post-mortem';
import { hasGeneratedName } from '../resources/compose-project';
import type { CreatedBy, CreatedByCode } from './created-by';
import { ownEngineOf, type CommandEngine } from '../commands/command-engine';
import type { CommandMeaning, Creation } from '../commands/command-meaning';
import { meaningOfCommand } from '../commands/docker-command';
import { labelFlags } from '../commands/label-flags';
import type { Insertion, CommandLine } from '../commands/launch';
import { registerLeft, volumesLeftByCommand } from './anonymous-volumes';
import { areNewNames, recordName } from './image-names';
import type { TrackedResources } from './tracked-resources';
import { ProjectCommands } from './project-commands';
import { ProjectWatches } from './project-watches';

type WaitForExit = () => Promise<unknown>;

/** Tracks docker commands of this process. Unlike requests, they cannot be paused: Node runs them at once. */
export class CommandTracker {
  readonly #tracked: TrackedResources;
  readonly #projects: ProjectCommands;
  readonly #watches = new ProjectWatches();

  constructor(tracked: TrackedResources) {
    this.#tracked = tracked;
    this.#projects = new ProjectCommands(tracked);
  }

  /** Records the effect of a command that is about to run. Returns the arguments to insert into it. */
  track(line: CommandLine, waitForExit: WaitForExit, createdBy: CreatedBy): Insertion | undefined {
    const engine = ownEngineOf(line);
    if (engine === undefined) return undefined;
    const relabelled = this.#relabel(line, createdBy);
    if (relabelled !== undefined) return relabelled;
    const meaning = meaningOfCommand(line);
    const isImageOfOthers =
      meaning?.type === 'create' && createdBy.start === undefined && !areNewNames(line, meaning.tags ?? []);
    if (isImageOfOthers) return undefined;
    if (isCreation(meaning) && createdBy.start === undefined) this.#holdRun();
    switch (meaning?.type) {
      case 'create':
        return this.#create(waitForExit, meaning, createdBy, engine);
      case 'tag':
        if (createdBy.start === undefined) this.#tag(line, meaning.names, waitForExit, createdBy, engine);
        return undefined;
      case 'up':
        if (createdBy.start === undefined || createdBy.start.isCommand === true)
          this.#watches.start(meaning.project);
        if (createdBy.start !== undefined) return undefined;
        // A project with a chosen name may be running already.
        if (hasGeneratedName(meaning.project)) this.#up(waitForExit, meaning.project, createdBy);
        else this.#projects.up({ project: meaning.project }, line, waitForExit, createdBy);
        return undefined;
      case 'up-unnamed':
        if (createdBy.start === undefined) this.#projects.up(meaning.at, line, waitForExit, createdBy);
        return undefined;
      case 'down-unnamed':
        this.#projects.down(meaning.at, line.cwd);
        this.#tracked.addPending(waitForExit());
        return undefined;
      case 'down':
        this.#tracked.downedProjects.add(meaning.project);
        this.#tracked.addPending(waitForExit().then(() => this.#watches.end(meaning.project)));
        return undefined;
      case 'remove': {
        const exited = waitForExit();
        this.#tracked.addPending(exited);
        const source = createdBy.start === undefined ? createdBy.source : undefined;
        const { teardown } = meaning;
        if (teardown === undefined) return undefined;
        for (const ref of teardown.refs)
          this.#tracked.teardownCalls.track({ ...teardown, ref, source }, exited);
        if (teardown.verb === 'remove' && !teardown.removesVolumes)
          this.#trackVolumes(line, teardown.refs, exited);
        return undefined;
      }
      case undefined:
        return undefined;
    }
  }

  /** Returns the run's labels for a command labelled by another copy of castoff, as in a sandbox. */
  #relabel({ args }: CommandLine, createdBy: CreatedBy): Insertion | undefined {
    const { session } = this.#tracked.options;
    const at = args.findLastIndex((arg) => arg.startsWith(`${labelNames.session}=`));
    const isOfThisProcess = args.includes(`${labelNames.pid}=${process.pid}`);
    if (at === -1 || !isOfThisProcess || args[at] === `${labelNames.session}=${session}`) return undefined;
    this.#holdRun();
    this.#tracked.prepareRun();
    const { worker } = 'attribution' in createdBy ? createdBy.attribution : {};
    const ofWorker = worker === undefined ? [] : ['--label', `${labelNames.worker}=${worker}`];
    // Of two labels with one name, the last counts.
    return { at: at + 1, args: ['--label', `${labelNames.session}=${session}`, ...ofWorker] };
  }

  #trackVolumes(line: CommandLine, refs: readonly string[], exited: Promise<unknown>): void {
    const left = volumesLeftByCommand(this.#tracked, line, refs).filter(({ names }) => names.length > 0);
    if (left.length > 0) this.#tracked.addPending(exited.then(() => registerLeft(this.#tracked, left)));
  }

  /** Resolves to a post-mortem of each service of a Compose project that failed by itself. */
  postMortems(project: string): Promise<readonly PostMortem[]> {
    return this.#watches.postMortems(project);
  }

  /** Stops watching Compose projects. */
  stop(): void {
    this.#watches.stop();
  }

  /** Starts to find the projects that commands have brought up, as pending work. */
  findProjects(): void {
    this.#projects.findAll();
  }

  // The command must be labelled even when this fails.
  #holdRun(): void {
    try {
      this.#tracked.options.holdRun?.();
    } catch (error) {
      warnCapture('take a lease before a command', error, 'no reaper covers what it creates yet');
    }
  }

  #create(
    waitForExit: WaitForExit,
    creation: Creation,
    createdBy: CreatedBy,
    engine: CommandEngine,
  ): Insertion {
    if (createdBy.start !== undefined) return labelFlags(creation, createdBy.start.labels);
    // Like an image that testcontainers builds, it stays until the run ends, and is no leak.
    const isHelper = creation.kind === 'image';
    const resource = { ...creation, name: creation.name ?? creation.tags?.[0], isHelper };
    const entry = this.#tracked.note(resource, createdBy);
    if (!isHelper) createdBy.task?.add(entry.key);
    this.#follow(waitForExit, entry, engine);
    return labelFlags(creation, this.#tracked.labelsOf(entry, createdBy.attribution));
  }

  #tag(
    line: CommandLine,
    names: readonly string[],
    waitForExit: WaitForExit,
    createdBy: CreatedByCode,
    engine: CommandEngine,
  ): void {
    const exited = waitForExit();
    for (const name of names.filter((one) => areNewNames(line, [one]))) {
      const resource = { kind: 'image', name, hasFixedNameOrPort: false, isHelper: true } as const;
      const entry = this.#tracked.note(resource, createdBy);
      this.#tracked.nameKeys.add(entry.key);
      this.#tracked.addPending(exited.then(() => recordName(this.#tracked, entry, engine.address)));
    }
  }

  #up(waitForExit: WaitForExit, project: string, createdBy: CreatedByCode): void {
    this.#tracked.downedProjects.delete(project);
    if (this.#tracked.activeProject(project) !== undefined) return;
    const resource = { kind: 'compose-project', name: project, hasFixedNameOrPort: false } as const;
    const entry = this.#tracked.note(resource, createdBy);
    this.#tracked.options.registry.update(entry.key, { id: project });
    void this.#tracked.claimProject(project, 'a crash would leave it behind');
    this.#follow(waitForExit, entry);
  }

  /** Keeps the entry open until the command exits, which may create the resource at any time before. */
  #follow(waitForExit: WaitForExit, entry: RegistryEntry, { address: given }: CommandEngine = {}): void {
    const { options, inFlightKeys, commandKeys } = this.#tracked;
    commandKeys.add(entry.key);
    inFlightKeys.add(entry.key);
    void waitForExit().then(() => inFlightKeys.delete(entry.key));
    this.#tracked.prepareRun();
    const locating = connectEngine(given).then(({ address }) =>
      options.registry.update(entry.key, { engine: address }),
    );
    // Rejects without an engine, and then the command fails too.
    void Promise.allSettled([locating]);
  }
}

function isCreation(meaning: CommandMeaning | undefined): boolean {
  return meaning?.type === 'create' || meaning?.type === 'up' || meaning?.type === 'up-unnamed';
}
