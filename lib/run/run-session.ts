import { CastoffError } from '../core/errors';
import type { Owner } from '../core/labels';
import type { Engine } from '../engine/engine';
import type { InterimLease, openInterimLease } from '../lease/interim-lease';
import type { SessionEnding } from '../session/open-session';
import type { Session } from '../session/session';

type OwnSession = Session & { readonly engine: Engine };

export interface RunSessionOptions {
  readonly session: string;
  readonly owner: Owner;
  /** Whether it is to have a reaper at all. */
  readonly wantsReaper: boolean;
  readonly ending: SessionEnding;
}

/** The session of a run, which is opened when something is about to be created for the first time. */
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

  /** Whether it is open, or about to be. */
  get isInUse(): boolean {
    return this.#opening !== undefined || this.#interim !== undefined;
  }

  /** Whether a reaper removes what the run has when its process dies. May block the process for 2 s. */
  get isHeld(): boolean {
    return this.#hasLease || this.#interim?.isHeld() === true;
  }

  /** Why the session could not be opened when it was last tried; `undefined`: it was not tried, or it is open. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Has a reaper hold what the run creates, for what cannot wait for {@link ready}: a command that runs at once. */
  hold(): void {
    const { session, owner, wantsReaper } = this.#options;
    if (this.#hasLease || this.#isEnding || !wantsReaper || this.#interim !== undefined) return;
    const late = require('../lease/interim-lease') as { openInterimLease: typeof openInterimLease };
    this.#interim = late.openInterimLease(session, owner);
  }

  /** Ends what {@link hold} began and no lease has followed; call it when the run has ended. */
  endHold(): void {
    if (this.#options.ending.released().length > 0) this.#interim?.release();
    else this.#interim?.close();
    this.#interim = undefined;
  }

  /** Resolves when the lease is held. One that could not be opened is tried anew by whoever comes next. */
  async ready(): Promise<void> {
    if (this.#isEnding) throw new CastoffError('SCOPE_CLOSED', 'create something: the run is ending');
    const opening = (this.#opening ??= this.#open());
    await opening;
    if (this.#isEnding) throw new CastoffError('SCOPE_CLOSED', 'create something: the run is ending');
  }

  /** From now on nothing new is created. */
  refuse(): void {
    this.#isEnding = true;
  }

  /** The session, where it has been opened, or is about to be; `undefined`: no engine was needed, or none could be had. */
  async opened(): Promise<OwnSession | undefined> {
    try {
      return await this.#opening;
    } catch {
      // Whoever asked for it has been told.
      return undefined;
    }
  }

  /** Whether its engine answers; `true` without an engine. */
  async isAnswered(timeoutMs: number): Promise<boolean> {
    const session = await this.opened();
    if (session === undefined) return true;
    const { isAnswering } = await import('../engine/is-answering.ts');
    return isAnswering(session.engine, timeoutMs);
  }

  async #open(): Promise<OwnSession> {
    try {
      // Loaded with its first use: a run without containers is not to pay for it.
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
