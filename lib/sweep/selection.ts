import { definedOnly } from '../core/defined-only';
import { CastoffError } from '../core/errors';
import { labelNames, type Labels } from '../core/labels';
import type { EntryOwner } from '../registry/entry';
import type { SweptResource } from './sweep-report';

/** A resource, or a child process of a command, as the filter of a sweep sees it. */
export interface SweepSubject extends Pick<
  SweptResource,
  'kind' | 'id' | 'name' | 'session' | 'owner' | 'ageMs'
> {
  /** Of a resource that only a journal names: the labels of its test, line and scope, as far as recorded. */
  readonly labels: Labels;
}

/** Returns whether a sweep may remove the resource. */
export type SweepFilter = (resource: SweepSubject) => boolean;

/** What the filter of one sweep has selected. */
export interface Selection {
  /** Asks the filter about a resource, and remembers its answer. */
  accepts(resource: Omit<SweepSubject, 'labels'>, labels: Labels): boolean;
  /** Returns whether the filter has rejected a resource. */
  isRejected(resource: Pick<SweepSubject, 'kind' | 'id' | 'session'>): boolean;
  /** Whether it accepts everything: there is no filter. */
  readonly isAll: boolean;
}

/**
 * Returns a selection by `filter`. Default: all resources.
 *
 * @throws CastoffError `CONFIG_INVALID` when `filter` is no function, or returns no boolean.
 */
export function selectBy(filter: SweepFilter | undefined): Selection {
  if (filter === undefined) return { accepts: () => true, isRejected: () => false, isAll: true };
  if (typeof filter !== 'function')
    throw new CastoffError('CONFIG_INVALID', `filter: got ${String(filter)}; give a function of a resource`);
  const rejected = new Set<string>();
  return {
    isAll: false,
    accepts({ kind, id, name, session, owner, ageMs }, labels) {
      const isAccepted: unknown = filter({ kind, id, name, session, owner, ageMs, labels });
      if (typeof isAccepted !== 'boolean')
        throw new CastoffError(
          'CONFIG_INVALID',
          `filter: it returned ${String(isAccepted)}; return a boolean`,
        );
      if (!isAccepted) rejected.add(keyOf({ kind, id, session }));
      return isAccepted;
    },
    isRejected: (resource) => rejected.has(keyOf(resource)),
  };
}

/** Sessions may use the same name for a volume or project. */
function keyOf({ kind, id, session }: Pick<SweepSubject, 'kind' | 'id' | 'session'>): string {
  return `${kind} ${id} ${session}`;
}

/** Returns the labels of a resource that a journal names. */
export function labelsOfEntry(session: string, { scope, test, source }: EntryOwner): Labels {
  return definedOnly({
    [labelNames.session]: session,
    [labelNames.scope]: scope,
    [labelNames.test]: test,
    [labelNames.source]: source,
  });
}
