import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { limit, type Job } from './paired.mts';

const { resolve } = createRequire(import.meta.url);
const cli = join(dirname(resolve('castoff/package.json')), 'dist/cli.js');
const castoffRun = [process.execPath, cli, 'run', '--leaks', 'off', '--'];
const image = 'castoff-spec/busybox:1';

/** What `castoff run` costs: until its command has started, and for the docker commands in it. */
export function runCommandJobs(rounds: number): readonly Job[] {
  return [
    {
      name: 'castoff run in front of a command',
      rounds: rounds * 4,
      subject: { name: 'castoff run', run: addedBefore(['echo', 'up']) },
      rivals: [limit(60)],
    },
    {
      name: '10 docker commands in castoff run',
      rounds,
      subject: { name: 'through the relay', run: () => dockerCommandsMs(castoffRun) },
      rivals: [{ contender: { name: 'without', run: () => dockerCommandsMs([]) }, budget: 1.1 }],
    },
  ];
}

/**
 * Returns a function that times how much later the first output of a command comes in `castoff run` than without: the
 * start of Node.js included, that of the command excluded. Each call has the other order, because what comes second
 * runs while the engine removes the reaper of the first.
 */
function addedBefore(command: readonly string[]): () => Promise<number> {
  let isBareFirst = false;
  return async () => {
    isBareFirst = !isBareFirst;
    const bareBefore = isBareFirst ? await firstOutputMs(command) : undefined;
    const inRun = await firstOutputMs([...castoffRun, ...command]);
    return inRun - (bareBefore ?? (await firstOutputMs(command)));
  };
}

async function firstOutputMs([file = '', ...args]: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  const ms = performance.now() - startedAt;
  await exited;
  return ms;
}

/** The time of the commands alone, by the clock of their shell. */
async function dockerCommandsMs(before: readonly string[]): Promise<number> {
  // The first creation waits for the session's lease.
  const script = `pair() { docker rm $(docker create ${image}) >/dev/null; }; pair; s=$(date +%s%N)
    for i in 1 2 3 4 5; do pair; done; echo $(( $(date +%s%N) - s ))`;
  const [file, ...args] = [...before, 'sh', '-c', script];
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  return Number(await text(child.stdout)) / 1e6;
}
