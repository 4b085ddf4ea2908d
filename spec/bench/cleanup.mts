import { openScope } from 'castoff';
import Docker from 'dockerode';
import { GenericContainer, type StartedTestContainer } from 'testcontainers';
import { time, type Job } from './paired.mts';

const docker = new Docker();

export const sleeper = (): GenericContainer =>
  new GenericContainer('castoff-spec/busybox:1').withCommand(['sleep', '3600']);

/** Cleaning `count` running containers: the close of a scope, against what users would write instead. */
export function cleanupJob(count: number, rounds: number): Job {
  return {
    name: `clean ${count} running container${count === 1 ? '' : 's'}`,
    rounds,
    subject: {
      name: 'scope.close()',
      async run() {
        const scope = openScope('bench');
        await Promise.all(Array.from({ length: count }, () => scope.start(sleeper())));
        return time(() => scope.close());
      },
    },
    rivals: [
      {
        contender: onStarted('raw parallel DELETE force', count, (containers) =>
          Promise.all(
            containers.map((container) =>
              docker.getContainer(container.getId()).remove({ force: true, v: true }),
            ),
          ),
        ),
        budget: 1.05,
      },
      {
        contender: onStarted('testcontainers stop() one by one', count, async (containers) => {
          for (const container of containers) await container.stop();
        }),
        budget: count === 1 ? 1.05 : 0.6,
      },
    ],
  };
}

function onStarted(
  name: string,
  count: number,
  clean: (containers: readonly StartedTestContainer[]) => Promise<unknown>,
) {
  return {
    name,
    async run() {
      const containers = await Promise.all(Array.from({ length: count }, () => sleeper().start()));
      return time(() => clean(containers));
    },
  };
}
