import type { CommandLine, Launch } from '../commands/launch';
import { connectEngine } from '../engine/connect';
import type { Engine } from '../engine/engine';
import type { OwnedTarget } from './owned-resource';
import type { ScopeContext } from './scope-context';
import { runInStart, type StartContext } from './start-context';

/** A command whose creation is registered. */
export interface PreparedCommand {
  /** Calls `spawn` with the arguments to run the command with, and returns its result. */
  run<T>(spawn: (args: readonly string[]) => T): T;
}

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

/** The resource that a docker command of a scope creates. */
export interface CommandCreation {
  /**
   * Registers the resource, before the command runs.
   *
   * @throws CastoffError `ENGINE_UNREACHABLE`; EngineError; errors of the journal.
   */
  prepare(): Promise<PreparedCommand>;
  /** Finds what exists of the resource by now, and records it. Never rejects. */
  locate(hasExited: boolean): Promise<void>;
  /**
   * Resolves to the resource that the closing scope has to remove, after the command has ended.
   *
   * @throws EngineError when the engine cannot list it.
   */
  target(ending: CommandEnding): Promise<OwnedTarget | undefined>;
}

/** A command that creates resources, and the scope that runs it. */
export interface CreatingCommand {
  readonly launch: Launch;
  readonly line: CommandLine;
  readonly source: string | undefined;
  readonly context: ScopeContext;
}

/**
 * Resolves to the engine that a command uses; `undefined` for a `podman` that works without the engine of
 * this process.
 *
 * @throws CastoffError `ENGINE_UNREACHABLE`
 */
export async function engineOfCommand({ line, context }: CreatingCommand): Promise<Engine | undefined> {
  const isPodman = /podman(?:\.exe)?$/i.test(line.file);
  await context.ready?.();
  const [connecting] = await Promise.allSettled([connectEngine()]);
  if (connecting.status === 'fulfilled')
    return isPodman && !connecting.value.isPodman ? undefined : connecting.value;
  if (isPodman) return undefined;
  throw connecting.reason;
}

/**
 * Prepares a command to run with `args`, which include `argv[0]`.
 *
 * @param start - The start that it belongs to; `undefined` when the scope does not own what it creates.
 */
export function prepared([, ...args]: readonly string[], start?: StartContext): PreparedCommand {
  if (start === undefined) return { run: (spawn) => spawn(args) };
  return { run: (spawn) => runInStart({ ...start, isCommand: true }, () => spawn(args)) };
}
