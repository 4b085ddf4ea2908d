/** What is on record of a task. */
export interface TaskRecord {
  readonly name: string;
  readonly startedAt: Date;
  /** `undefined`: it has not ended. */
  readonly endedAt?: Date | undefined;
  /** `cancelled`: it ended because it was told to. `stuck`: it did not, though it was told to. */
  readonly outcome: 'running' | 'done' | 'failed' | 'cancelled' | 'stuck';
}
