import { CastoffError } from '../core/errors';
import type { Owner } from '../core/labels';
import type { Engine } from '../engine/engine';
import type { InterimLease, openInterimLease } from '../lease/interim-lease';
import type { SessionEnding } from '../session/open-session';
import type { Session } from '../session/session';

type OwnSession = Session & { readonly engine: Engine };

interface RunSessionOptions {
  readonly session: string;
  readonly owner: Owner;
  /** Whether the session may have a reaper. */
  readonly wantsReaper: boolean;
  readonly ending: SessionEnding;
}

/** The session of a run, opened when the first resource is about to be created. */
export class RunSession {
  readonly #options: RunSessionOptions;
  #interim: InterimLease | undefined;
  #hasLease = false;
  #opening: Promise<OwnSession> | undefined;
  #isEnding = false;
  #failure: unknown;

  constructor(options: RunSessionOptions) {
    this.#options = options;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Whether the session is open, or about to be. */
  get isInUse(): boolean {
    return this.#opening !== undefined || this.#interim !== undefined;
  }

  /** Whether a reaper removes the run's resources when its process dies. May block the process for 2 s. */
  get isHeld(): boolean {
    return this.#hasLease || this.#interim?.isHeld() === true;
  }

  /**
   * The error of the last attempt to open the session; `undefined` when it is open or there was no attempt.
   */
  get failure(): unknown {
    return this.#failure;
  }

  /** Takes a lease synchronously, for commands that cannot wait for {@link ready}. */
  hold(): void {
    const { session, owner, wantsReaper } = this.#options;
    if (this.#hasLease || this.#isEnding || !wantsReaper || this.#interim !== undefined) return;
    const late = require('../lease/interim-lease') as { openInterimLease: typeof openInterimLease };
    this.#interim = late.openInterimLease(session, owner);
  }

  /** Ends the lease of {@link hold} at the end of the run, unless the session's lease has replaced it. */
  endHold(): void {
    this.#interim?.close(this.#options.ending.retention());
    this.#interim = undefined;
  }

  /**
   * Resolves when the lease is held. After a failure, the next call tries again.
   *
   * @throws CastoffError as `openSession` does; `SCOPE_CLOSED` when the run is ending.
   */
  async ready(): Promise<void> {
    if (this.#isEnding) throw new CastoffError('SCOPE_CLOSED', 'create a resource: the run is ending');
    const opening = (this.#opening ??= this.#open());
    await opening;
    if (this.#isEnding) throw new CastoffError('SCOPE_CLOSED', 'create a resource: the run is ending');
  }

  refuse(): void {
    this.#isEnding = true;
  }

  /**
   * Resolves to the session, if it is open or about to be; to `undefined` when it is not needed or could not
   * be opened.
   */
  async opened(): Promise<OwnSession | undefined> {
    try {
      return await this.#opening;
    } catch {
      // The caller of `ready` has received the error.
      return undefined;
    }
  }

  /** Resolves to whether the session's engine answers; to true without a session. */
  async isAnswered(timeoutMs: number): Promise<boolean> {
    const session = await this.opened();
    if (session === undefined) return true;
    const { isAnswering } = await import('../engine/system-calls.ts');
    return isAnswering(session.engine, timeoutMs);
  }

  async #open(): Promise<OwnSession> {
    try {
      // Loaded on first use, so that a run without containers does not pay for it.
      const { openOwnSession } = await import('../session/open-session.ts');
      const session = await openOwnSession({}, this.#options.ending);
      this.#failure = undefined;
      this.#hasLease = session.reaper !== undefined;
      if (this.#hasLease) {
        this.#interim?.release();
        this.#interim = undefined;
      }
      return session;
    } catch (error) {
      this.#opening = undefined;
      this.#failure = error;
      throw error;
    }
  }
}
