import type { Owner } from '../core/labels';
import type { EntryOwner } from '../registry/entry';
import type { StartContext } from '../scope/start-context';
import type { TaskCreations } from '../scope/task-creations';

/** The owner of resources that the calling code creates. */
export interface Attribution extends Omit<EntryOwner, 'source'> {
  /** Whether its test file has finished: a resource created now leaks as soon as it exists. Default false. */
  readonly isOver?: boolean | undefined;
  /** Default: this process. */
  readonly owner?: Owner | undefined;
  readonly worker?: string | undefined;
}

/** Code that creates a resource without castoff, at the line `source`. */
export interface CreatedByCode {
  readonly start?: undefined;
  readonly attribution: Attribution;
  readonly source: string | undefined;
  /** The task of a scope that the code belongs to. */
  readonly task?: TaskCreations | undefined;
}

/** A `scope.start()` call, or code that creates a resource without castoff. */
export type CreatedBy = { readonly start: StartContext } | CreatedByCode;
