import type { RemovableKind } from '../../engine/removable-kind';

/** What one reaping of one claim has come to. */
export interface ReapReport {
  /** The claim's labels. */
  readonly labels: readonly string[];
  /** How many of each kind are gone, and were there when it began or came meanwhile; in a dry run, how many would be removed. */
  readonly removed: Readonly<Record<RemovableKind, number>>;
  /** What is still there, and why. */
  readonly left: readonly LeftResource[];
  /** Why it ended before all was done that it could do: somebody claims again, too many things, no engine. */
  readonly cutShort?: string | undefined;
  readonly isDryRun?: true | undefined;
  readonly durationMs: number;
}

export interface LeftResource {
  readonly kind: RemovableKind;
  readonly id: string;
  readonly name: string;
  readonly reason: string;
}
