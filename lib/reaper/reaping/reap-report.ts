import type { RemovableKind } from '../../core/kinds';
import type { EngineResource } from '../../engine/identity';

/** Counts resources by kind. */
export function countByKind(
  resources: readonly { readonly kind: RemovableKind }[],
): Record<RemovableKind, number> {
  const count = { container: 0, network: 0, volume: 0, image: 0 };
  for (const { kind } of resources) count[kind] += 1;
  return count;
}

/** The result of one reaping of one claim. */
export interface ReapReport {
  /** The claim's labels. */
  readonly labels: readonly string[];
  /**
   * Number of removed resources by kind, including those created meanwhile; in a dry run, of those that would
   * be removed.
   */
  readonly removed: Readonly<Record<RemovableKind, number>>;
  /** Resources that still exist, and why. */
  readonly left: readonly LeftResource[];
  /** Why the reaping ended early: claimed again, too many resources, no engine. */
  readonly cutShort?: string | undefined;
  readonly isDryRun?: true | undefined;
  readonly durationMs: number;
}

/** A resource that was not removed. */
export interface LeftResource extends EngineResource {
  readonly name: string;
  readonly reason: string;
}
