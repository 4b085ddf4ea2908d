/** What a check found: no problem, something to know about, or something that does not work. */
export type CheckStatus = 'ok' | 'warn' | 'fail';

/** One line of `castoff doctor`. */
export interface DoctorCheck {
  readonly name: string;
  readonly status: CheckStatus;
  /** What was found. */
  readonly text: string;
  /** What to do about it. */
  readonly advice?: string | undefined;
}

/** A check without its name. */
export type CheckResult = Omit<DoctorCheck, 'name'>;

/** Returns the result of a check that found no problem; `advice` is optional there. */
export function ok(text: string, advice?: string): CheckResult {
  return { status: 'ok', text, advice };
}

/** Returns the result of a check that found something to know about, and what to do. */
export function warning(text: string, advice: string): CheckResult {
  return { status: 'warn', text, advice };
}

/** Returns the result of a check that found something that does not work, and what to do. */
export function failure(text: string, advice: string): CheckResult {
  return { status: 'fail', text, advice };
}
