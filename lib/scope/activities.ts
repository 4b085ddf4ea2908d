import { processWide } from '../core/global-state';

/** A task or command of this process that has not ended. */
export interface Activity {
  readonly kind: 'task' | 'command';
  /** `task poll`, `command npm start`. */
  readonly what: string;
  /** The name of its scope. */
  readonly scope: string;
  readonly source: string | undefined;
  readonly startedAt: Date;
  /** `stuck`: its scope has closed without it. */
  readonly state: 'running' | 'stuck';
}

const activities = (): Set<Activity> => processWide('activities', () => new Set<Activity>());

/** Lists an activity until the returned function is called. */
export function trackActivity(activity: Activity): () => void {
  activities().add(activity);
  return () => void activities().delete(activity);
}

/** Returns the tasks and commands that have not ended, the oldest first. */
export function listActivities(): readonly Activity[] {
  return [...activities()];
}
