import { openScope } from 'castoff';
import Docker from 'dockerode';
import { sleeper } from './cleanup.mts';
import { time, type Job } from './paired.mts';

const docker = new Docker();

/** What a scope adds to a container's start. */
export function startJob(rounds: number): Job {
  return {
    name: 'start a container',
    rounds,
    subject: {
      name: 'scope.start(c)',
      async run() {
        const scope = openScope('bench');
        const ms = await time(() => scope.start(sleeper()));
        await scope.close();
        return ms;
      },
    },
    rivals: [
      {
        contender: {
          name: 'c.start()',
          async run() {
            const startedAt = performance.now();
            const container = await sleeper().start();
            const ms = performance.now() - startedAt;
            await docker.getContainer(container.getId()).remove({ force: true });
            return ms;
          },
        },
        budget: 1.02,
      },
    ],
  };
}
