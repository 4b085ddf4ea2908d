import type { EntryOwner, RegistryEntry } from '../registry/entry';
import type { ResourceKind } from '../resources/kind';

/** What the last look at the engine found of one resource; `unknown`: the engine did not say. */
export type FinalState = 'there' | 'gone' | 'unknown';

/** What is known of one thing of a run when it is over; plain data, as it stands in the report. */
export type ResourceRecord = Omit<RegistryEntry, 'key' | 'engine' | 'identity' | 'owner'> &
  EntryOwner & {
    /** The worker died before it was gone: its own fault it was not. */
    readonly isOrphan?: boolean | undefined;
    /** Where it was not known to be gone when the run ended. */
    readonly lastLook?: FinalState | undefined;
  };

/** What the last look at the engine still found of the run. */
export interface LeftOnEngine {
  readonly kind: ResourceKind;
  /** The full id; a volume's name. */
  readonly id: string;
  readonly name?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** How a run has ended. */
export interface RunEnd {
  readonly things: readonly ResourceRecord[];
  /** What was thrown while the run closed. */
  readonly failures: readonly unknown[];
  /** Without reapers; what is kept may be among it. */
  readonly left: readonly LeftOnEngine[];
  /** How many workers died before they had ended. */
  readonly deadWorkers?: number | undefined;
}

export interface LeakSettings {
  readonly leaks: 'fail' | 'warn' | 'off';
  /** Patterns of what is no leak. */
  readonly ignore: readonly string[];
}

/** Something whose removal failed, that may still be there, or of which nothing is known but its labels. */
export interface UnremovedResource {
  readonly thing: Pick<ResourceRecord, 'kind' | 'id' | 'name' | 'image' | 'scope' | 'test' | 'source'>;
  /** Why its removal failed, where that is known. */
  readonly failure?: string | undefined;
  /** `gone`: a later attempt was luckier. */
  readonly lastLook: FinalState;
}

/** How many of each kind. */
export type KindCounts = Readonly<Partial<Record<ResourceKind, number>>>;

/** What a run has come to: plain data, from which all reports are made. */
export interface Verdict {
  readonly mode: LeakSettings['leaks'];
  /** All that came to exist. */
  readonly counts: KindCounts;
  /** What its owner neither gave to a scope nor removed. */
  readonly leaks: readonly ResourceRecord[];
  /** What would be leaks but for the ignore rules. */
  readonly ignored: readonly ResourceRecord[];
  /** What a worker that died had, and is gone. */
  readonly orphans: readonly ResourceRecord[];
  /** Shared containers, and those of a file, that had ended when a test which depends on them failed. */
  readonly died: readonly ResourceRecord[];
  readonly deadWorkers: number;
  readonly kept: readonly ResourceRecord[];
  readonly left: readonly UnremovedResource[];
  /** What else failed, in words. */
  readonly failures: readonly string[];
  readonly isFailure: boolean;
}
