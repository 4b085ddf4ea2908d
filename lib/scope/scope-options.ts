import type { Owner } from '../core/labels';
import { checkDuration } from '../core/durations';
import { checkOptionNames, type OptionNames } from '../core/option-names';

/** Options of `openScope` and `scope.child`. */
export interface ScopeOptions {
  /** Limit in milliseconds, at which the `signal` aborts with a `DeadlineError`. Default: no limit. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the scope's work when it aborts. */
  readonly signal?: AbortSignal | undefined;
  /** The engine's address, in the format of `DOCKER_HOST`. Default: the engine of the environment. */
  readonly engine?: string | undefined;
  /** Limit of each finalizer and group of removals when the scope closes, in milliseconds. Default 30 000. */
  readonly cleanupTimeoutMs?: number | undefined;
  /**
   * Limit of the whole close, in milliseconds: items that have not ended by then are reported, each by its name.
   * Default: none, until an item has not ended in time; then twice `cleanupTimeoutMs`, and 5 s, for all the others.
   */
  readonly closeTimeoutMs?: number | undefined;
  /** The test that the scope belongs to, for the registry and the label `castoff.test`. */
  readonly test?: string | undefined;
  /** The owner named in the labels of started resources. Default: this process. @internal */
  readonly identity?: { readonly owner: Owner; readonly worker: string | undefined } | undefined;
  /** Awaited before a start registers or creates anything; a rejection fails the start. @internal */
  readonly ready?: (() => Promise<void>) | undefined;
}

/** Every name in `ScopeOptions`, to reject unknown options. */
const scopeOptionNames: OptionNames<ScopeOptions> = {
  timeoutMs: true,
  signal: true,
  engine: true,
  cleanupTimeoutMs: true,
  closeTimeoutMs: true,
  test: true,
  identity: true,
  ready: true,
};

/** @throws CastoffError `CONFIG_INVALID` for an invalid or unknown option. */
export function checkScopeOptions(options: ScopeOptions): void {
  checkOptionNames('openScope', options, scopeOptionNames);
  for (const name of ['timeoutMs', 'cleanupTimeoutMs', 'closeTimeoutMs'] as const)
    if (options[name] !== undefined) checkDuration(name, options[name]);
}

/** Returns the options of a scope that its child scopes have, too: all but its limits. */
export function inheritedOptions(options: ScopeOptions): ScopeOptions {
  return { ...options, timeoutMs: undefined, closeTimeoutMs: undefined, signal: undefined };
}
