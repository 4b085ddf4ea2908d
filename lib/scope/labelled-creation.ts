import { deadline } from '../core/deadline';
import { CastoffError, messageOf } from '../core/errors';
import { labelNames } from '../core/labels';
import { RetryableError, retryWithBackoff } from '../core/retry';
import type { Creation } from '../commands/docker-command';
import { labelFlags } from '../commands/label-flags';
import { argsForLaunch } from '../commands/launch';
import type { Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import type { RegistryEntry } from '../registry/entry';
import { listOwned } from '../resources/list-owned';
import {
  engineOfCommand,
  locateMs,
  prepared,
  type CommandCreation,
  type CommandEnding,
  type CreatingCommand,
  type PreparedCommand,
} from './command-creation';
import type { OwnedTarget } from './owned-resource';

/**
 * How long the engine may take to finish a creation whose client was stopped. A resource that appears later
 * still carries the labels of the session.
 */
const lateCreationMs = 1_000;

/** A container, network or volume that a command creates, found by the labels that castoff adds. */
export class LabelledCreation implements CommandCreation {
  readonly #command: CreatingCommand;
  readonly #creation: Creation;
  #preparing: Promise<PreparedCommand> | undefined;
  #registered: { readonly entry: RegistryEntry; readonly engine: Engine } | undefined;
  #found: ListedTarget | undefined;

  constructor(command: CreatingCommand, creation: Creation) {
    this.#command = command;
    this.#creation = creation;
  }

  prepare(): Promise<PreparedCommand> {
    return (this.#preparing ??= this.#prepare());
  }

  async #prepare(): Promise<PreparedCommand> {
    const { launch, source, context } = this.#command;
    const engine = await engineOfCommand(this.#command);
    if (engine === undefined) return prepared(launch.args);
    const { kind, name } = this.#creation;
    const known = { name, engine: engine.address };
    const entry = await context.registry.register(kind, context.owner(source), known);
    this.#registered = { entry, engine };
    const labels = context.labels(entry.key, source);
    const args = argsForLaunch(launch, () => labelFlags(this.#creation, labels));
    return prepared(args, { key: entry.key, labels });
  }

  async locate(): Promise<void> {
    // The close of the scope lists again, and reports its failure.
    await Promise.allSettled([this.#find(locateMs)]);
  }

  async target(ending: CommandEnding): Promise<OwnedTarget | undefined> {
    // The command reports its failure.
    await Promise.allSettled([this.#preparing]);
    if (this.#registered === undefined) return undefined;
    const { entry, engine } = this.#registered;
    const { registry, cleanupTimeoutMs } = this.#command.context;
    try {
      const wasFound = this.#found !== undefined;
      const mayAppear = ending.wasStopped && !wasFound;
      const found = mayAppear ? await this.#findLate() : await this.#find(cleanupTimeoutMs);
      if (found === undefined) {
        const isMissing = !wasFound && !hasCreated(this.#creation.kind, ending);
        const outcome = isMissing ? 'never-created' : 'removed-elsewhere';
        registry.update(entry.key, { state: 'gone', outcome });
        return undefined;
      }
      const { kind, id, name } = found;
      const { hasFixedNameOrPort } = this.#creation;
      return { kind, id, name, hasFixedNameOrPort, key: entry.key, engine };
    } catch (error) {
      registry.update(entry.key, { state: 'left', failure: messageOf(error) });
      throw error;
    }
  }

  /** Lists until the engine has created the resource, or for 1 s. */
  async #findLate(): Promise<ListedTarget | undefined> {
    const findOnce = async (): Promise<ListedTarget> => {
      const found = await this.#find(lateCreationMs);
      if (found === undefined) throw new RetryableError();
      return found;
    };
    const signal = deadline(lateCreationMs, { what: 'wait for a late creation' });
    const [end] = await Promise.allSettled([
      retryWithBackoff(findOnce, { firstPauseMs: 20, maxPauseMs: 100, signal }),
    ]);
    if (end.status === 'fulfilled') return end.value;
    if (signal.aborted) return undefined;
    throw end.reason;
  }

  async #find(timeoutMs: number): Promise<ListedTarget | undefined> {
    if (this.#registered === undefined) return undefined;
    const { entry, engine } = this.#registered;
    const { kind } = this.#creation;
    const claim = [`${labelNames.start}=${entry.key}`];
    const { owned, unclear } = await listOwned(engine.within({ timeoutMs }), claim, { kinds: [kind] });
    const [found] = owned;
    const [doubtful] = unclear;
    if (found === undefined && doubtful !== undefined)
      throw new CastoffError(
        'CLEANUP_FAILED',
        `${kind} ${doubtful.target.name || doubtful.target.id}: kept: ${doubtful.reason}`,
      );
    if (found !== undefined && this.#found === undefined) {
      const { id, name } = found;
      this.#command.context.registry.update(entry.key, { id, name, state: 'present' });
      this.#found = found;
    }
    return found;
  }
}

/** @see docker run, exit status: 125 when docker itself has failed; others are those of the container */
const dockerFailed = 125;

/** Whether a command that ended like this has created its resource, even if that does not exist any more. */
function hasCreated(kind: Creation['kind'], { wasStarted, wasStopped, exitCode }: CommandEnding): boolean {
  const isFailed = kind === 'container' ? exitCode === dockerFailed : exitCode !== 0;
  return wasStarted && !wasStopped && !isFailed;
}
