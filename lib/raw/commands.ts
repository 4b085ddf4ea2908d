import type { ChildProcess } from 'node:child_process';
import { composeProjectLabel } from '../core/labels';
import { connectEngine } from '../engine/connect';
import type { RegistryEntry } from '../registry/entry';
import type { Maker } from './creations';
import { meaningOfCommand, type CommandLine, type CommandMeaning } from './docker-command';
import type { RawThings } from './raw-things';
import { warnRaw } from './warn';

type Creation = Extract<CommandMeaning, { type: 'create' }>;

/** Sees to docker commands that this process runs. They cannot be held: Node's `spawn` answers at once. */
export class Commands {
  readonly #things: RawThings;

  constructor(things: RawThings) {
    this.#things = things;
  }

  /** Notes what a command is about to do; resolves to the arguments that it is to be given. */
  see(child: ChildProcess, line: CommandLine, maker: Maker): readonly string[] {
    if ((line.env['DOCKER_HOST'] ?? '') !== (process.env['DOCKER_HOST'] ?? '')) return line.args;
    const meaning = meaningOfCommand(line);
    switch (meaning?.type) {
      case 'create':
        return this.#create(child, line.args, meaning, maker);
      case 'up':
        if (maker.start === undefined) this.#up(child, meaning.project, maker);
        return line.args;
      case 'down':
        this.#things.downed.add(meaning.project);
        this.#things.begin(endOf(child));
        return line.args;
      case 'remove':
        this.#things.begin(endOf(child));
        return line.args;
      case undefined:
        return line.args;
    }
  }

  #create(child: ChildProcess, args: readonly string[], creation: Creation, maker: Maker): readonly string[] {
    if (maker.start !== undefined) return withLabels(args, creation, maker.start.labels);
    const entry = this.#things.note(creation, maker.whereabouts, maker.source);
    this.#follow(child, entry);
    return withLabels(args, creation, this.#things.labelsOf(entry, maker.whereabouts));
  }

  #up(child: ChildProcess, project: string, maker: Extract<Maker, { start?: undefined }>): void {
    this.#things.downed.delete(project);
    const isKnown = this.#things
      .open()
      .some(({ kind, name }) => kind === 'compose-project' && name === project);
    if (isKnown) return;
    const ordered = { kind: 'compose-project', name: project, isPinned: false } as const;
    const entry = this.#things.note(ordered, maker.whereabouts, maker.source);
    this.#things.options.registry.update(entry.key, { id: project });
    const claiming = this.#things.options.claim([`${composeProjectLabel}=${project}`]);
    claiming.catch((error: unknown) => warnRaw(`docker compose --project-name ${project}`, error));
    this.#follow(child, entry);
  }

  /** What a command that still runs may yet create is not said to be gone. */
  #follow(child: ChildProcess, entry: RegistryEntry): void {
    const { options, running, commanded } = this.#things;
    commanded.add(entry.key);
    running.add(entry.key);
    void endOf(child).then(() => running.delete(entry.key));
    // Asked for, not waited for: where the run cannot be made ready, the next request that can wait says why.
    void Promise.allSettled([options.ready()]);
    const locating = connectEngine().then(({ address }) =>
      options.registry.update(entry.key, { engine: address }),
    );
    // Without an engine the command comes to nothing either.
    void Promise.allSettled([locating]);
  }
}

/** Resolves when the command has ended, or could not be run. Its `error` is not listened for: nobody else would hear of it then. */
function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once('exit', () => resolve()).once('close', () => resolve()));
}

function withLabels(
  args: readonly string[],
  { flagsAt }: Creation,
  labels: Readonly<Record<string, string>>,
): readonly string[] {
  const flags = Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]);
  return args.toSpliced(flagsAt, 0, ...flags);
}
