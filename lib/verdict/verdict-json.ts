import { readSource } from '../core/source-line';
import type { EntryOwner } from '../registry/entry';
import type { KindCounts, OpenHandle, UnremovedResource, ResourceRecord, Verdict } from './verdict';
import { lifetimeMsOf, finalStateOf } from './describe-record';

/** The owner of a resource in the report. `source` is relative to the folder that Jest ran in. */
type OwnerJson = EntryOwner & {
  /** The line is that of the test or hook that created the resource, because the stack had no closer one. */
  readonly isSourceApproximate?: true | undefined;
};

/** A resource, without what is not known. `state` is `unknown` without confirmation of its removal. */
export type ResourceJson = Pick<
  ResourceRecord,
  'kind' | 'id' | 'name' | 'image' | 'state' | 'outcome' | 'floating'
> &
  OwnerJson & {
    /** RFC 3339 timestamp. */
    readonly createdAt: string;
    readonly livedMs: number;
  };

/** The JSON report of a run, written to `reportFile`. A later `version` may change what these names mean. */
export interface VerdictJson {
  readonly version: 1;
  readonly isFailure: boolean;
  readonly leakMode: Verdict['mode'];
  /** Number of created resources by kind. */
  readonly counts: KindCounts;
  readonly leaks: readonly ResourceJson[];
  readonly ignoredLeaks: readonly ResourceJson[];
  readonly handleMode: Verdict['handleMode'];
  /** Handles that outlived their test file or the run. A property that is not known is absent. */
  readonly handles: readonly OpenHandle[];
  readonly deadWorkers: number;
  readonly orphans: readonly ResourceJson[];
  /** Containers that had died when a test that depends on them failed, with their exit status. */
  readonly died: readonly (ResourceJson & Pick<ResourceRecord, 'died'>)[];
  readonly kept: readonly ResourceJson[];
  /** Resources whose removal failed or was not confirmed; `lastLook` is `there`, `gone` or `unknown`. */
  readonly left: readonly UnremovedJson[];
  readonly failures: readonly string[];
}

/** A resource in the report whose removal failed or was not confirmed. */
export type UnremovedJson = Omit<UnremovedResource, 'owner'> & OwnerJson;

/** Converts a verdict to its JSON report. */
export function verdictJson(verdict: Verdict): VerdictJson {
  const { mode, counts, leaks, ignored, orphans, died, kept, left, deadWorkers, failures } = verdict;
  const { handleMode, handles, isFailure } = verdict;
  return {
    version: 1,
    isFailure,
    leakMode: mode,
    counts,
    leaks: leaks.map((record) => recordJson(record)),
    ignoredLeaks: ignored.map((record) => recordJson(record)),
    handleMode,
    handles,
    deadWorkers,
    orphans: orphans.map((record) => recordJson(record)),
    died: died.map((record) => ({ ...recordJson(record), died: record.died })),
    kept: kept.map((record) => recordJson(record)),
    left: left.map(({ kind, id, name, image, owner, failure, lastLook }) => {
      return { kind, id, name, image, ...ownerJson(owner), failure, lastLook };
    }),
    failures,
  };
}

function recordJson(record: ResourceRecord): ResourceJson {
  const { kind, id, name, image, owner, registeredAt, outcome, floating } = record;
  const isUnknown = record.state !== 'kept' && finalStateOf(record) === 'unknown';
  return {
    kind,
    id,
    name,
    image,
    ...ownerJson(owner),
    createdAt: registeredAt.toISOString(),
    livedMs: lifetimeMsOf(record),
    state: isUnknown ? 'unknown' : record.state,
    outcome,
    floating,
  };
}

function ownerJson({ scope, test, source }: EntryOwner): OwnerJson {
  if (source === undefined) return { scope, test };
  const { line, isApproximate } = readSource(source);
  return { scope, test, source: line, ...(isApproximate && { isSourceApproximate: true }) };
}
