import { deadline } from '../core/deadline';
import { CastoffError } from '../core/errors';
import { labelNames, type Labels } from '../core/labels';
import { RetryableError, retryWithBackoff } from '../core/retry';
import type { Creation } from '../commands/command-meaning';
import { labelFlags } from '../commands/label-flags';
import { argsForLaunch } from '../commands/launch';
import type { ListedTarget } from '../engine/list-targets';
import { listOwned } from '../resources/list-owned';
import {
  CommandCreation,
  locateMs,
  type CommandEnding,
  type CreatingCommand,
  type CreatedResource,
  type RegisteredCommand,
} from './command-creation';

/** How long the engine may take to finish a creation without its client. Later ones carry our labels, too. */
const lateCreationMs = 1_000;

/** A container, network or volume that a command creates, found by the labels that castoff adds. */
export class LabelledCreation extends CommandCreation {
  readonly #creation: Creation;
  #found: ListedTarget | undefined;

  constructor(command: CreatingCommand, creation: Creation) {
    super(command, creation.kind);
    this.#creation = creation;
  }

  protected override get name(): string | undefined {
    return this.#creation.name;
  }

  protected override async observe(): Promise<void> {}

  protected override async claim(_: RegisteredCommand, labels: Labels) {
    return argsForLaunch(this.command.launch, () => labelFlags(this.#creation, labels));
  }

  protected override async look(registered: RegisteredCommand): Promise<void> {
    await this.#find(registered, locateMs);
  }

  protected override async find(
    registered: RegisteredCommand,
    { wasStopped }: CommandEnding,
  ): Promise<CreatedResource | undefined> {
    const mayAppear = wasStopped && this.#found === undefined;
    const found = mayAppear
      ? await this.#findLate(registered)
      : await this.#find(registered, this.command.context.cleanupTimeoutMs);
    if (found === undefined) return undefined;
    const { kind, id, name } = found;
    return { kind, id, name, hasFixedNameOrPort: this.#creation.hasFixedNameOrPort };
  }

  protected override async settleMissing({ wasStarted, wasStopped, exitCode }: CommandEnding) {
    const isFailed = this.#creation.kind === 'container' ? exitCode === dockerFailed : exitCode !== 0;
    const hasCreated = this.#found !== undefined || (wasStarted && !wasStopped && !isFailed);
    return hasCreated ? 'removed-elsewhere' : 'never-created';
  }

  /** Lists until the engine has created the resource, or for 1 s. */
  async #findLate(registered: RegisteredCommand): Promise<ListedTarget | undefined> {
    const findOnce = async (): Promise<ListedTarget> => {
      const found = await this.#find(registered, lateCreationMs);
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

  async #find({ entry, engine }: RegisteredCommand, timeoutMs: number): Promise<ListedTarget | undefined> {
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
      this.command.context.registry.update(entry.key, { id, name, state: 'present' });
      this.#found = found;
    }
    return found;
  }
}

/** @see docker run, exit status: 125 when docker itself has failed; others are those of the container */
const dockerFailed = 125;
