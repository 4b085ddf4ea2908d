import { CastoffError } from '../core/errors';
import { runCheck, type Verification } from './check';
import { CloseError, type CloseReport } from './close-report';
import { closeItems, type Item } from './close-items';
import { closedError, refusal } from './closed-error';
import type { CloseReason } from './finalizer';
import type { CloseOptions } from './scope-options';
import type { ScopeSignal } from './scope-signal';
import type { OwnedTarget } from './owned-target';

export interface ScopeItemsOptions {
  /** The scope's name. */
  readonly scope: string;
  readonly signal: ScopeSignal;
  readonly cleanupTimeoutMs: number;
  readonly onClosed: (() => void) | undefined;
}

/** What a scope has, in the order in which it came, until it closes. */
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

  /** @throws CastoffError `SCOPE_CLOSED` when nothing can be added any more. */
  refuseLate(what: string): void {
    if (this.#isClosed) throw closedError(this.#options.scope, what);
  }

  add(item: Item): void {
    this.#items.push(item);
  }

  /** Adds what exists already: what comes too late is ended, and then refused. */
  async addOrEnd(item: Item, what: string): Promise<void> {
    if (!this.#isClosed) return this.add(item);
    throw await refusal(this.#options.scope, what, this.endLate(item));
  }

  addVerification(verification: Verification): void {
    this.#verifications.push(verification);
  }

  drop(item: Item): void {
    this.#items = this.#items.filter((other) => other !== item);
  }

  /** Ends what comes too late, since it exists. */
  endLate(item: Item): Promise<CloseReport> {
    return this.#end([item], { reason: this.#options.signal.reason() });
  }

  close(options: CloseOptions): Promise<CloseReport> {
    if (this.#closing !== undefined) return this.#closing;
    const reason = this.#options.signal.reason() ?? options.reason ?? 'done';
    const checks = this.#verifications;
    // What is to be verified is so only when all is gone.
    const handOver = checks.length === 0 ? options.handOver : undefined;
    return this.#closeFor(reason, (items) => this.#end(items, { ...options, reason, handOver }, checks));
  }

  /** @throws CastoffError `CONFIG_INVALID` when something is there that only this process can end; it stays open then. */
  leave(): void {
    const own = this.#items.find((item) => item.type === 'call');
    if (own !== undefined) {
      throw new CastoffError(
        'CONFIG_INVALID',
        `scope ${this.#options.scope}: ${own.call.what} is on no engine, and ends with this process: it cannot be left to others`,
      );
    }
    void this.#closeFor('done', () => this.#end([], {}));
  }

  #closeFor(
    reason: CloseReason,
    end: (items: readonly Item[]) => Promise<CloseReport>,
  ): Promise<CloseReport> {
    const { signal, scope, onClosed } = this.#options;
    const items = this.#items;
    this.#items = [];
    this.#isClosed = true;
    // Stored before anything runs that may close the scope too: whoever listens to its signal, and the finalizers.
    this.#closing = Promise.resolve()
      .then(() => end(items))
      .finally(() => onClosed?.());
    signal.close(reason, closedError(scope, 'go on'));
    return this.#closing;
  }

  async #end(
    items: readonly Item[],
    options: CloseOptions,
    verifications: readonly Verification[] = [],
  ): Promise<CloseReport> {
    const startedAt = performance.now();
    const { scope, cleanupTimeoutMs } = this.#options;
    const reason = options.reason ?? 'done';
    let hasKept = false;
    const isKept = (target: OwnedTarget): boolean => {
      const isMeant = options.isKept?.(target) === true;
      hasKept ||= isMeant;
      return isMeant;
    };
    const ends = [...(await closeItems(items, { ...options, isKept, reason, cleanupTimeoutMs }))];
    // Where something is kept, it is not as it has to be after the cleanup, and is not meant to be.
    for (const one of hasKept ? [] : verifications) ends.push(await runCheck(one, cleanupTimeoutMs));
    const report = { scope, reason, durationMs: performance.now() - startedAt, ends };
    if (ends.some((end) => end.error !== undefined)) throw new CloseError(report);
    return report;
  }
}
