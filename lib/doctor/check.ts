/** What a check found: no problem, something to know about, or something that does not work. */
export type CheckStatus = 'ok' | 'warn' | 'fail';

/** One line of `castoff doctor`. */
export interface Check {
  readonly name: string;
  readonly status: CheckStatus;
  /** What was found. */
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string | undefined;
}

/** A check without its name. */
export type CheckResult = Omit<Check, 'name'>;

export const ok = (text: string, advice?: string): CheckResult => ({ status: 'ok', text, advice });
export const warning = (text: string, advice: string): CheckResult => ({ status: 'warn', text, advice });
export const failure = (text: string, advice: string): CheckResult => ({ status: 'fail', text, advice });
