import { CastoffError, messageLines } from '../core/errors';
import { warn } from '../core/warnings';
import { runCheck, type Verification } from './check';
import { CloseError } from './close-error';
import type { CloseReport, CloseReason } from './close-report';
import { closeItems } from './close-items';
import { CloseLimit } from './close-limit';
import type { Item } from './item';
import type { CloseOptions, CloseSettings } from './close-options';
import type { ScopeSignal } from './scope-signal';
import type { OwnedTarget } from './owned-resource';

/** The settings of the scope that its items need to close. */
export interface ScopeItemsOptions {
  /** The scope's name. */
  readonly scope: string;
  readonly signal: ScopeSignal;
  readonly cleanupTimeoutMs: number;
  readonly closeTimeoutMs: number | undefined;
  readonly onClosed: (() => void) | undefined;
}

/** The items of a scope, in the order in which they were added, until it closes. */
export class ScopeItems {
  readonly #options: ScopeItemsOptions;
  #items: Item[] = [];
  readonly #verifications: Verification[] = [];
  #isClosed = false;
  #closing: Promise<CloseReport> | undefined;

  constructor(options: ScopeItemsOptions) {
    this.#options = options;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @throws CastoffError `SCOPE_CLOSED` when the scope is closing or closed. */
  assertOpen(what: string): void {
    if (this.#isClosed) throw this.closedError(what);
  }

  /**
   * Creates the error of a call on a scope that is closing or closed (`SCOPE_CLOSED`).
   *
   * @param failure - The failed cleanup of a resource that was added too late; becomes the `cause`.
   */
  closedError(what: string, failure: { readonly cause?: unknown } = {}): CastoffError {
    const suffix =
      'cause' in failure ? `, and its cleanup failed: ${messageLines(failure.cause).join('\n')}` : '';
    const message = `scope ${this.#options.scope}: cannot ${what}: the scope is closed${suffix}`;
    return new CastoffError('SCOPE_CLOSED', message, failure);
  }

  /** Resolves to {@link closedError} when `disposal` has finished, with its failure as the cause. */
  async closedErrorAfter(what: string, disposal: Promise<unknown>): Promise<CastoffError> {
    const [end] = await Promise.allSettled([disposal]);
    return this.closedError(what, end.status === 'rejected' ? { cause: end.reason } : {});
  }

  add(item: Item): void {
    this.#items.push(item);
  }

  addVerification(verification: Verification): void {
    this.#verifications.push(verification);
  }

  drop(item: Item): void {
    this.#items = this.#items.filter((other) => other !== item);
  }

  /** Cleans up an item that exists but came too late to be added. */
  disposeNow(item: Item): Promise<CloseReport> {
    return this.#closeItems([item], { reason: this.#options.signal.reason() });
  }

  /** Ends an item whose caller throws before that has finished: a failure becomes a process warning. */
  disposeInBackground(item: Item): void {
    void this.disposeNow(item).catch((error: unknown) =>
      warn('CASTOFF_LATE_FINALIZER', messageLines(error).join('\n')),
    );
  }

  close(options: CloseOptions & Partial<Pick<CloseSettings, 'limit'>>): Promise<CloseReport> {
    if (this.#closing !== undefined) return this.#closing;
    const reason = this.#options.signal.reason() ?? options.reason ?? 'done';
    const checks = this.#verifications;
    // Checks run after every removal has finished.
    const onBackgroundRemoval = checks.length === 0 ? options.onBackgroundRemoval : undefined;
    const closeOptions = { ...options, reason, onBackgroundRemoval };
    return this.#closeOnce(reason, (items) => this.#closeItems(items, closeOptions, checks));
  }

  /** @throws CastoffError `CONFIG_INVALID` for an item of this process alone; the scope then stays open */
  detach(): void {
    const local = this.#items.find((item) => item.type === 'call');
    if (local !== undefined) {
      throw new CastoffError(
        'CONFIG_INVALID',
        `detach scope ${this.#options.scope}: ${local.call.what} exists only in this process, not on an engine`,
      );
    }
    void this.#closeOnce('done', () => this.#closeItems([], {}));
  }

  #closeOnce(
    reason: CloseReason,
    end: (items: readonly Item[]) => Promise<CloseReport>,
  ): Promise<CloseReport> {
    const { signal, onClosed } = this.#options;
    const items = this.#items;
    this.#items = [];
    this.#isClosed = true;
    // Stored before any listener of the signal or any finalizer runs: each of them may close the scope too.
    this.#closing = Promise.resolve()
      .then(() => end(items))
      .finally(() => onClosed?.());
    signal.close(reason, this.closedError('continue'));
    return this.#closing;
  }

  async #closeItems(
    items: readonly Item[],
    options: CloseOptions & Partial<Pick<CloseSettings, 'limit'>>,
    verifications: readonly Verification[] = [],
  ): Promise<CloseReport> {
    const startedAt = performance.now();
    const { scope, cleanupTimeoutMs, closeTimeoutMs } = this.#options;
    using limit = new CloseLimit({
      what: `close scope ${scope}`,
      timeoutMs: closeTimeoutMs,
      restMs: 2 * cleanupTimeoutMs,
      outer: options.limit,
    });
    const reason = options.reason ?? 'done';
    let hasKept = false;
    const isKept = (target: OwnedTarget): boolean => {
      const keepsTarget = options.isKept?.(target) === true;
      hasKept ||= keepsTarget;
      return keepsTarget;
    };
    const ends = [...(await closeItems(items, { ...options, isKept, reason, cleanupTimeoutMs, limit }))];
    // A kept resource would fail checks that expect a full cleanup.
    for (const each of hasKept ? [] : verifications) ends.push(await runCheck(each, cleanupTimeoutMs, limit));
    const report = { scope, reason, durationMs: performance.now() - startedAt, ends };
    if (ends.some((end) => end.error !== undefined)) throw new CloseError(report);
    return report;
  }
}
