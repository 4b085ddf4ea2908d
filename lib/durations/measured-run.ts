/** A run of an operation that ended in time. */
export interface MeasuredRun {
  /** Name of the operation: `measure import`. */
  readonly name: string;
  readonly durationMs: number;
}

/** The runs of one operation that count; older ones are forgotten. */
export const maxRuns = 100;
