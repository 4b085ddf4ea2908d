import { AsyncResource } from 'node:async_hooks';
import type { TaskRecord } from './close-report';

/** Makes a task visible to `async_hooks`, so that a watch of handles lists it with its line and owner. */
export class TaskResource extends AsyncResource {
  static readonly type = 'CastoffTask';
  readonly task: { readonly what: string; readonly record: TaskRecord };

  constructor(task: TaskResource['task']) {
    super(TaskResource.type);
    this.task = task;
  }
}
