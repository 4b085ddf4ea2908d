import { CastoffError } from '../core/errors';
import type { Engine } from '../engine/engine';
import type { SessionEnding } from './open-session';
import type { Session } from './session';

type OwnSession = Session & { readonly engine: Engine };

/** The session of a run, which is opened when something is about to be created for the first time. */
export class RunSession {
  readonly #ending: SessionEnding;
  #opening: Promise<OwnSession> | undefined;
  #isEnding = false;

  constructor(ending: SessionEnding) {
    this.#ending = ending;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Whether it is open, or about to be. */
  get isInUse(): boolean {
    return this.#opening !== undefined;
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

  /** Whether its engine answers; `true` where there is none that could. */
  async isAnswered(timeoutMs: number): Promise<boolean> {
    const session = await this.opened();
    if (session === undefined) return true;
    const { engine } = session;
    const ping = await engine.within({ timeoutMs }).ask('ping', engine.address, (docker) => docker.ping());
    return ping.meaning !== 'engine-away';
  }

  async #open(): Promise<OwnSession> {
    try {
      // Loaded with its first use: a run without containers is not to pay for it.
      const { openOwnSession } = await import('./open-session.ts');
      return await openOwnSession({}, this.#ending);
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }
}
