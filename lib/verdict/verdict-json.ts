import { readSource } from '../core/source-line';
import type { ResourceKind } from '../resources/kind';
import type { KindCounts, UnremovedResource, ResourceRecord, Verdict } from './verdict';
import { lifetimeMsOf, finalStateOf } from './describe-record';

/** A resource in the report. A property that is not known is absent. */
export interface ResourceJson {
  readonly kind: ResourceKind;
  /** The full id; a volume's or Compose project's name. */
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly image?: string | undefined;
  /** Names of the scopes around it, outermost first: `db.spec.ts/users/inserts`. */
  readonly scope: string;
  readonly test?: string | undefined;
  /** `file:line`, relative to the folder that Jest ran in. */
  readonly source?: string | undefined;
  /** The line is that of the test or hook that created the resource, because the stack had no closer one. */
  readonly isSourceApproximate?: true | undefined;
  /** RFC 3339 timestamp. */
  readonly createdAt: string;
  readonly livedMs: number;
  /** `unknown` if the engine did not confirm, at the end of the run, that it was removed. */
  readonly state: ResourceRecord['state'];
  /** How it was removed: `removed`, `removed-elsewhere`, `already-gone`, `removed-by-code`. */
  readonly outcome?: string | undefined;
  /** The call that would have removed it but was not awaited: `stop() at a.test.js:9`. */
  readonly floating?: string | undefined;
}

/** The JSON report of a run, written to `reportFile`. A later `version` may change what these names mean. */
export interface VerdictJson {
  readonly version: 1;
  readonly isFailure: boolean;
  readonly leakMode: Verdict['mode'];
  /** Number of created resources by kind. */
  readonly counts: KindCounts;
  readonly leaks: readonly ResourceJson[];
  readonly ignoredLeaks: readonly ResourceJson[];
  readonly deadWorkers: number;
  readonly orphans: readonly ResourceJson[];
  /** Containers that had died when a test that depends on them failed, with their exit status. */
  readonly died: readonly (ResourceJson & { readonly died?: string | undefined })[];
  readonly kept: readonly ResourceJson[];
  /** Resources whose removal failed or was not confirmed; `lastLook` is `there`, `gone` or `unknown`. */
  readonly left: readonly UnremovedJson[];
  readonly failures: readonly string[];
}

/** A resource in the report whose removal failed or was not confirmed. */
export type UnremovedJson = UnremovedResource['resource'] &
  Pick<ResourceJson, 'isSourceApproximate'> &
  Pick<UnremovedResource, 'failure' | 'lastLook'>;

/** Converts a verdict to its JSON report. */
export function verdictJson(verdict: Verdict): VerdictJson {
  const { mode, counts, leaks, ignored, orphans, died, kept, left, deadWorkers, failures, isFailure } =
    verdict;
  return {
    version: 1,
    isFailure,
    leakMode: mode,
    counts,
    leaks: leaks.map((record) => recordJson(record)),
    ignoredLeaks: ignored.map((record) => recordJson(record)),
    deadWorkers,
    orphans: orphans.map((record) => recordJson(record)),
    died: died.map((record) => ({ ...recordJson(record), died: record.died })),
    kept: kept.map((record) => recordJson(record)),
    left: left.map(({ resource, failure, lastLook }) => {
      const { kind, id, name, image, scope, test, source } = resource;
      return { kind, id, name, image, scope, test, ...sourceJson(source), failure, lastLook };
    }),
    failures,
  };
}

function recordJson(record: ResourceRecord): ResourceJson {
  const { kind, id, name, image, scope, test, source, registeredAt, outcome, floating } = record;
  const state = record.state !== 'kept' && finalStateOf(record) === 'unknown' ? 'unknown' : record.state;
  return {
    kind,
    id,
    name,
    image,
    scope,
    test,
    ...sourceJson(source),
    createdAt: registeredAt.toISOString(),
    livedMs: lifetimeMsOf(record),
    state,
    outcome,
    floating,
  };
}

function sourceJson(source: string | undefined): Pick<ResourceJson, 'source' | 'isSourceApproximate'> {
  if (source === undefined) return {};
  const { line, isApproximate } = readSource(source);
  return isApproximate ? { source: line, isSourceApproximate: true } : { source: line };
}
