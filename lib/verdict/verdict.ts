import type { Handle } from '../diagnosis/handle';
import type { RegistryEntry } from '../registry/entry';
import type { ResourceKind } from '../core/kinds';
import type { ProvenTarget } from '../resources/list-owned';

/** State of a resource at the end of a run; `unknown` if the engine did not report it. */
export type FinalState = 'there' | 'gone' | 'unknown';

/** A tracked resource at the end of its run. */
export interface ResourceRecord extends RegistryEntry {
  /** Its worker died before it could be removed; not counted as a leak. */
  readonly isOrphan?: boolean | undefined;
  /** Result of the final inspection, for a resource that was not known to be removed. */
  readonly lastLook?: FinalState | undefined;
}

/** A resource of the run that the final listing still found on the engine. */
export type LeftOnEngine = Pick<ProvenTarget, 'kind' | 'id'> & Partial<Pick<ProvenTarget, 'name' | 'labels'>>;

/** A handle that outlived its owner, as reported by the process that has it. */
export interface OpenHandle extends Handle {
  /** Age of the oldest handle of the group when it was reported. */
  readonly ageMs: number;
}

/** The end of a run: everything that {@link Verdict} is judged from. */
export interface RunEnd {
  readonly records: readonly ResourceRecord[];
  /** Errors thrown while the run closed. */
  readonly failures: readonly unknown[];
  /** Excludes reapers; may include kept resources. */
  readonly left: readonly LeftOnEngine[];
  readonly handles?: readonly OpenHandle[] | undefined;
  /** Number of workers that died before they finished. */
  readonly deadWorkers?: number | undefined;
  /** Whether a reaper removes the kept resources later. */
  readonly isRetained?: boolean | undefined;
}

/** Effect of a handle that outlives its owner. */
export type HandleMode = 'report' | 'fail' | 'off';

/** How leaks and handles are judged. */
export interface LeakSettings {
  readonly leaks: 'fail' | 'warn' | 'off';
  /** Default `report`. */
  readonly handles?: HandleMode | undefined;
  /**
   * Patterns of resources that are not leaks, and of handles that may stay open, in the syntax of
   * `withCastoff`'s `ignore`.
   */
  readonly ignore: readonly string[];
}

/** A test runner that castoff has an adapter for. */
export type RunnerName = 'jest' | 'vitest';

/** What creates the resources of a run: tests, or the command of `castoff run`. */
export type Creator = 'tests' | 'command';

/** A resource whose removal failed or was not confirmed, or that was found on the engine without a record. */
export interface UnremovedResource extends Pick<
  ResourceRecord,
  'kind' | 'id' | 'name' | 'image' | 'owner' | 'failure'
> {
  /** `gone` if a later attempt succeeded. */
  readonly lastLook: FinalState;
}

/** Number of resources by kind. */
export type KindCounts = Readonly<Partial<Record<ResourceKind, number>>>;

/** The outcome of a run, as plain data. All reports are made from it. */
export interface Verdict {
  readonly mode: LeakSettings['leaks'];
  /** Default `tests`. */
  readonly creator?: Creator | undefined;
  /** The test runner, which advice is written for. Default `jest`. */
  readonly runner?: RunnerName | undefined;
  /** All resources that were created. */
  readonly counts: KindCounts;
  /** Resources that their owner neither gave to a scope nor removed. */
  readonly leaks: readonly ResourceRecord[];
  /** Leaks that match an ignore pattern. */
  readonly ignored: readonly ResourceRecord[];
  readonly handleMode: HandleMode;
  /** Handles that were still open a short time after their test file, or after the run. */
  readonly handles: readonly OpenHandle[];
  /** Resources of dead workers, now removed. */
  readonly orphans: readonly ResourceRecord[];
  /** Containers of a file, block or shared resource that had died when a test that depends on them failed. */
  readonly died: readonly ResourceRecord[];
  readonly deadWorkers: number;
  readonly kept: readonly ResourceRecord[];
  readonly left: readonly UnremovedResource[];
  /** Messages of all other failures. */
  readonly failures: readonly string[];
  readonly isFailure: boolean;
}
