import { CastoffError } from '../core/errors';
import type { EngineCall, Meaning, RawAnswer } from './answers';

type FailedAnswer = RawAnswer &
  Pick<EngineError, 'call' | 'subject' | 'meaning'> & { readonly isUnsent?: boolean };

/** A failed call to an engine: `ENGINE_UNREACHABLE` or `ENGINE_REFUSED`. */
export class EngineError extends CastoffError {
  readonly call: EngineCall;
  readonly subject: string;
  readonly meaning: Exclude<Meaning, 'done'>;
  readonly status: number | undefined;
  /** Whether the call was never sent, because the client could not be loaded: see `cause`. */
  readonly isUnsent: boolean;
  /** The engine's own message, without dockerode's wrapping. */
  readonly engineMessage: string;

  constructor(answer: FailedAnswer, cause: unknown) {
    const code = answer.meaning === 'engine-away' ? 'ENGINE_UNREACHABLE' : 'ENGINE_REFUSED';
    const status = answer.status === undefined ? '' : `${answer.status} `;
    super(code, `${answer.call.replace('.', ' ')} ${answer.subject}: ${status}${answer.message}`, { cause });
    this.call = answer.call;
    this.subject = answer.subject;
    this.meaning = answer.meaning;
    this.status = answer.status;
    this.isUnsent = answer.isUnsent === true;
    this.engineMessage = answer.message;
  }
}
