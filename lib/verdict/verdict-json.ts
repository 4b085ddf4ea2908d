import { readSource } from '../core/source-line';
import type { ResourceKind } from '../resources/kind';
import type { KindCounts, UnremovedResource, ResourceRecord, Verdict } from './verdict';
import { lifetimeMsOf, finalStateOf } from './describe-record';

/** One thing in the report. What is not known is not there. */
export interface ResourceJson {
  readonly kind: ResourceKind;
  /** The full id; a volume's or Compose project's name. */
  readonly id?: string | undefined;
  readonly name?: string | undefined;
  readonly image?: string | undefined;
  /** The names of the scopes that it was in, outermost first. */
  readonly scope: string;
  readonly test?: string | undefined;
  /** `file:line`, relative to where Jest ran. */
  readonly source?: string | undefined;
  /** The line is that of the test or hook in which it was created: the stack did not have a nearer one. */
  readonly isSourceApproximate?: true | undefined;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly livedMs: number;
  /** `unknown`: the engine did not say, at the end of the run, whether it is still there. */
  readonly state: ResourceRecord['state'];
  /** How it came to be gone: `removed`, `removed-elsewhere`, `already-gone`, `removed-by-code`. */
  readonly outcome?: string | undefined;
  /** A call that was to end it and was not awaited: `stop() at a.test.js:9`. */
  readonly floating?: string | undefined;
}

/** The report of a run, as it stands in the file that `reportFile` names. A later `version` may mean other things by these names. */
export interface VerdictJson {
  readonly version: 1;
  readonly isFailure: boolean;
  readonly leakMode: Verdict['mode'];
  /** How many of each kind came to exist. */
  readonly counts: KindCounts;
  readonly leaks: readonly ResourceJson[];
  readonly ignoredLeaks: readonly ResourceJson[];
  readonly deadWorkers: number;
  readonly orphans: readonly ResourceJson[];
  /** Containers that had ended when a test that depends on them failed, and how. */
  readonly died: readonly (ResourceJson & { readonly died?: string | undefined })[];
  readonly kept: readonly ResourceJson[];
  /** What could not be removed, or could not be looked up; `lastLook` is `there`, `gone` or `unknown`. */
  readonly left: readonly UnremovedJson[];
  readonly failures: readonly string[];
}

export type UnremovedJson = UnremovedResource['thing'] &
  Pick<ResourceJson, 'isSourceApproximate'> &
  Pick<UnremovedResource, 'failure' | 'lastLook'>;

/** The verdict for programs. */
export function verdictJson(verdict: Verdict): VerdictJson {
  const { mode, counts, leaks, ignored, orphans, died, kept, left, deadWorkers, failures, isFailure } =
    verdict;
  return {
    version: 1,
    isFailure,
    leakMode: mode,
    counts,
    leaks: leaks.map((thing) => describe(thing)),
    ignoredLeaks: ignored.map((thing) => describe(thing)),
    deadWorkers,
    orphans: orphans.map((thing) => describe(thing)),
    died: died.map((thing) => ({ ...describe(thing), died: thing.died })),
    kept: kept.map((thing) => describe(thing)),
    left: left.map(({ thing, failure, lastLook }) => {
      const { kind, id, name, image, scope, test, source } = thing;
      return { kind, id, name, image, scope, test, ...sourceJson(source), failure, lastLook };
    }),
    failures,
  };
}

function describe(thing: ResourceRecord): ResourceJson {
  const { kind, id, name, image, scope, test, source, registeredAt, outcome, floating } = thing;
  const state = thing.state !== 'kept' && finalStateOf(thing) === 'unknown' ? 'unknown' : thing.state;
  return {
    kind,
    id,
    name,
    image,
    scope,
    test,
    ...sourceJson(source),
    createdAt: registeredAt.toISOString(),
    livedMs: lifetimeMsOf(thing),
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
