/** The state and the outcome of a task. */
export interface TaskRecord {
  readonly name: string;
  readonly startedAt: Date;
  /** `undefined`: it is still running. */
  readonly endedAt?: Date | undefined;
  /**
   * `cancelled`: it ended because its signal aborted. `stuck`: it was still running some time after its
   * signal aborted.
   */
  readonly outcome: 'running' | 'done' | 'failed' | 'cancelled' | 'stuck';
}
