import { readdir } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, expect, it } from '@jest/globals';
import { listLabelled, runCommandRun, startCommandRun } from '../support/command-run';
import { isRunning } from '../support/process-state';
import { openReaperFolder } from '../support/session-child';
import { specImage } from '../support/spec-image';
import { isLong } from '../support/spec-size';
import { createRunningContainer, exists, uniqueName } from '../support/things';
import { removeLeftovers } from '../support/leftovers';
import { until } from '../support/until';

const rounds = isLong ? 40 : 5;
const firstSeed = Number(process.env['CASTOFF_SEED'] ?? Math.floor(Math.random() * 1_000_000));

afterAll(removeLeftovers);

/** Creates resources one after another; when nothing answers any more, it goes on trying. */
const script = (label: string): string => `echo $$; while :; do
  docker create --label ${label} -v /data ${specImage}
  docker network create --label ${label} $(cat /proc/sys/kernel/random/uuid)
  docker volume create --label ${label}
  docker run -d --rm --label ${label} --net none ${specImage} sleep 60
done 2>/dev/null || sleep 1`;

it(
  `castoff run leaves nothing when it is killed at a random moment, in ${rounds} of ${rounds} rounds from seed ${firstSeed}`,
  async () => {
    await using folder = await openReaperFolder();
    const bystander = await createRunningContainer();
    const labels: string[] = [];
    for (let seed = firstSeed; seed < firstSeed + rounds; seed += 1) {
      const [afterMs = 0] = fc.sample(fc.noBias(fc.nat({ max: 2_500 })), { seed, numRuns: 1 });
      const reaper = seed % 2 === 0 ? 'process' : 'container';
      const label = uniqueName();
      labels.push(label);
      const env = { TMPDIR: folder.folder, XDG_RUNTIME_DIR: '', CASTOFF_REAPER: reaper };
      const run = startCommandRun(['sh', '-c', script(label)], { env });
      await run.printed('\n');
      const pid = Number(/\d+/.exec(run.stdout())?.[0]);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      process.kill(run.pid, 'SIGKILL');
      const isCommandGone = reaper === 'container' || (await until(() => !isRunning(pid)));
      // A reaper in a container sees no processes: the next sweep ends them.
      if (reaper === 'container') process.kill(-run.pid, 'SIGKILL');
      const isNothingLeft = await until(async () => (await listLabelled(label)).length === 0);
      expect({ seed, isCommandGone, isNothingLeft }).toEqual({
        seed,
        isCommandGone: true,
        isNothingLeft: true,
      });
    }
    // What was created late, too.
    for (const label of labels) expect(await listLabelled(label)).toEqual([]);
    expect(await exists('container', bystander)).toBe(true);
    // The sockets of their relays stay until the next session closes.
    const sockets = async (): Promise<readonly string[]> =>
      (await readdir(folder.folder, { recursive: true })).filter((name) => name.includes('relay-'));
    expect(await sockets()).toHaveLength(rounds);
    await runCommandRun(['true'], { env: { TMPDIR: folder.folder, XDG_RUNTIME_DIR: '' } });
    expect(await sockets()).toEqual([]);
    for (const pid of folder.hosts()) process.kill(pid, 'SIGTERM');
  },
  rounds * 30_000,
);
