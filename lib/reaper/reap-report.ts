import type { RemovableKind } from '../resources/kind';

/** What one reaping of one claim has come to. */
export interface ReapReport {
  /** The claim's labels. */
  readonly labels: readonly string[];
  /** How many of each kind are gone, and were there when it began or came meanwhile. */
  readonly removed: Readonly<Record<RemovableKind, number>>;
  /** What is still there, and why. */
  readonly left: readonly LeftThing[];
  readonly durationMs: number;
}

export interface LeftThing {
  readonly kind: RemovableKind;
  readonly id: string;
  readonly name: string;
  readonly reason: string;
}
