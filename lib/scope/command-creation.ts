import type { Labels } from '../core/labels';
import { messageOf } from '../core/errors';
import type { ResourceKind } from '../core/kinds';
import { engineEnvironment, machineOf } from '../commands/command-engine';
import type { CommandLine, Launch } from '../commands/launch';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import type { RegistryEntry } from '../registry/entry';
import type { OwnedTarget } from './owned-resource';
import type { ScopeContext } from './scope-context';
import { runInStart } from './start-context';

/** Calls `spawn` with the arguments to run a registered command with, and returns its result. */
export type RunPrepared = <T>(spawn: (args: readonly string[]) => T) => T;

/** How long it may take to find the created resource, in milliseconds, while the command still runs. */
export const locateMs = 2_000;

/** How a command ended. */
export interface CommandEnding {
  readonly wasStarted: boolean;
  /** Whether it was stopped while it ran: the engine may still be creating its resource. */
  readonly wasStopped: boolean;
  /** `undefined` when it ended by a signal. */
  readonly exitCode: number | undefined;
}

/** A command that creates resources, and the scope that runs it. */
export interface CreatingCommand {
  readonly launch: Launch;
  readonly line: CommandLine;
  readonly context: ScopeContext;
}

/** The entry of what a command creates, and the engine that the command uses. */
export interface RegisteredCommand {
  readonly entry: RegistryEntry;
  readonly engine: Engine;
  /** Whether it is the engine of this process, for which its reaper holds claims. */
  readonly isOwnEngine: boolean;
}

/** A found resource; its key and engine are those of the command. */
export type CreatedResource = Omit<OwnedTarget, 'key' | 'engine'>;

/** The resource that a docker command of a scope creates: registered before the command, found after it. */
export abstract class CommandCreation {
  protected readonly command: CreatingCommand;
  readonly #kind: ResourceKind;
  #preparing: Promise<RunPrepared> | undefined;
  #registered: RegisteredCommand | undefined;

  constructor(command: CreatingCommand, kind: ResourceKind) {
    this.command = command;
    this.#kind = kind;
  }

  /** Its name, once known. */
  protected abstract get name(): string | undefined;

  /** Observes the engine before anything is registered. */
  protected abstract observe(engine: Engine): Promise<void>;

  /** Claims what the command creates. Resolves to the arguments to run it with, `argv[0]` included. */
  protected abstract claim(registered: RegisteredCommand, labels: Labels): Promise<readonly string[]>;

  /** Finds what exists of the resource by now, and records it, while the command runs or after its exit. */
  protected abstract look(registered: RegisteredCommand, hasExited: boolean): Promise<void>;

  /** Resolves to the resource that the closing scope has to remove. */
  protected abstract find(
    registered: RegisteredCommand,
    ending: CommandEnding,
  ): Promise<CreatedResource | undefined>;

  /** Releases the claim on a resource that does not exist. Resolves to the outcome to record. */
  protected abstract settleMissing(ending: CommandEnding): Promise<'never-created' | 'removed-elsewhere'>;

  /** Registers the resource. @throws CastoffError `ENGINE_UNREACHABLE`; EngineError; errors of the journal */
  prepare(): Promise<RunPrepared> {
    return (this.#preparing ??= this.#prepare());
  }

  async #prepare(): Promise<RunPrepared> {
    const { launch, context } = this.command;
    const engine = await this.#engine();
    // The scope does not own what such a command creates.
    if (engine === undefined) return (spawn) => spawn(launch.args.slice(1));
    await this.observe(engine);
    const known = { name: this.name, engine: engine.address };
    const entry = await context.registry.register(this.#kind, context.owner, known);
    const [own] = await Promise.allSettled([connectEngine()]);
    const isOwnEngine = own.status === 'fulfilled' && own.value.address === engine.address;
    this.#registered = { entry, engine, isOwnEngine };
    const labels = context.labels(entry.key);
    const args = await this.claim(this.#registered, labels);
    return (spawn) => runInStart({ key: entry.key, labels, isCommand: true }, () => spawn(args.slice(1)));
  }

  /**
   * Resolves to the command's engine; `undefined` for a `podman` without the engine of this process, or with flags
   * that select another one.
   */
  async #engine(): Promise<Engine | undefined> {
    const { line, context } = this.command;
    const isPodman = /podman(?:\.exe)?$/i.test(line.file);
    const environment = engineEnvironment(line);
    await context.ready?.();
    if (environment === undefined) return undefined;
    const [connecting] = await Promise.allSettled([connectEngine(undefined, machineOf(environment))]);
    if (connecting.status === 'fulfilled')
      return isPodman && !connecting.value.isPodman ? undefined : connecting.value;
    if (isPodman) return undefined;
    throw connecting.reason;
  }

  /** Finds what exists of the resource by now, and records it. Never rejects. */
  async locate(hasExited: boolean): Promise<void> {
    // The close of the scope looks again, and reports its failure.
    if (this.#registered !== undefined) await Promise.allSettled([this.look(this.#registered, hasExited)]);
  }

  /** Resolves to what the closing scope has to remove, after the command has ended. @throws EngineError */
  async target(ending: CommandEnding): Promise<OwnedTarget | undefined> {
    // The command reports its failure.
    await Promise.allSettled([this.#preparing]);
    if (this.#registered === undefined) return undefined;
    const { entry, engine } = this.#registered;
    const { registry } = this.command.context;
    try {
      const found = await this.find(this.#registered, ending);
      if (found !== undefined) return { ...found, key: entry.key, engine };
      registry.update(entry.key, { state: 'gone', outcome: await this.settleMissing(ending) });
      return undefined;
    } catch (error) {
      registry.update(entry.key, { state: 'left', failure: messageOf(error) });
      throw error;
    }
  }
}
