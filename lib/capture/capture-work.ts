import { Answers } from './answers';
import { Commands } from './commands';
import { CreateTracker } from './create-tracker';
import { TrackedResources } from './tracked-resources';
import type { CaptureOptions } from './capture';
import { Removals } from './removals';
import { findSurvivors } from './survivors';

/** What a watch loads when it has seen the first thing that is its business. */
export function createCaptureWork(options: CaptureOptions) {
  const things = new TrackedResources(options);
  const answers = new Answers();
  const commands = new Commands(things);
  return {
    answers,
    creations: new CreateTracker(things, answers),
    removals: new Removals(things, answers),
    commands,
    endingCalls: things.endingCalls,
    isPinned: (containerId: string) => things.isPinned(containerId),
    postMortems: (project: string) => commands.postMortems(project),
    stop: () => commands.stop(),
    isHelper: (key: string) => things.helperKeys.has(key),
    survivors: (isMeant: Parameters<typeof findSurvivors>[1]) => {
      commands.lookForProjects();
      return findSurvivors(things, isMeant);
    },
  };
}

export type CaptureWork = ReturnType<typeof createCaptureWork>;
