import { ResponseObserver } from './response-observer';
import { CommandTracker } from './command-tracker';
import { CreateTracker } from './create-tracker';
import type { FetchEvents } from './fetch-events';
import { FetchTracker } from './fetch-tracker';
import { TrackedResources } from './tracked-resources';
import type { CaptureOptions } from './capture';
import { RemovalTracker } from './removal-tracker';
import { findSurvivors } from './survivors';

/** Creates the trackers behind a {@link Capture}, loaded at the first request or command that concerns it. */
export function createCaptureWork(options: CaptureOptions, fetchEvents: () => FetchEvents) {
  const tracked = new TrackedResources(options);
  const responses = new ResponseObserver();
  const commands = new CommandTracker(tracked);
  let fetches: FetchTracker | undefined;
  return {
    tracked,
    responses,
    commands,
    /** Created with its first use: few programs send requests to an engine by `fetch`. */
    fetches: () => (fetches ??= new FetchTracker(tracked, fetchEvents())),
    creations: new CreateTracker(tracked, responses),
    removals: new RemovalTracker(tracked, responses),
    findSurvivors: (filter: Parameters<typeof findSurvivors>[1]) => {
      commands.findProjects();
      return findSurvivors(tracked, filter);
    },
  };
}

export type CaptureWork = ReturnType<typeof createCaptureWork>;
