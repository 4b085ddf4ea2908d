// Paired rounds in one run; medians and ratios as a table, and as JSON in the file that --json names;
// --only <text> takes the jobs whose name has that text. Timings decide nothing.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { cleanupJob } from './cleanup.mts';
import { handleJobs } from './handles.mts';
import { removalWaitJob, suiteJobs } from './jest.mts';
import { compare, roundsOfSums, time, type Comparison } from './paired.mts';
import { reaperJobs } from './reaper.mts';
import { relayJobs } from './relay.mts';
import { requireInJestJob, requireJob } from './require.mts';
import { runCommandJobs } from './run-command.mts';
import { startJob } from './start.mts';

process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
process.env['TESTCONTAINERS_HOST_OVERRIDE'] ??= 'localhost';

const { values } = parseArgs({
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
  },
});
const rounds = Number(values.rounds);

await using requireInJest = await requireInJestJob(rounds);
await using removalWait = await removalWaitJob(roundsOfSums(rounds));
await using suites = await suiteJobs(roundsOfSums(rounds));
await using handles = await handleJobs(rounds * 3);
await using relay = await relayJobs(rounds);
const jobs = [
  requireJob(rounds * 3),
  requireInJest,
  startJob(rounds * 6),
  cleanupJob(1, rounds * 2),
  cleanupJob(10, rounds),
  cleanupJob(30, roundsOfSums(rounds)),
  ...(await reaperJobs(rounds)),
  ...runCommandJobs(rounds),
  removalWait,
  ...suites.jobs,
  ...handles.jobs,
  ...relay.jobs,
].filter(({ name }) => name.includes(values.only));

const comparisons: Comparison[] = [];
for (const job of jobs) {
  const ms = await time(async () => comparisons.push(...(await compare(job))));
  process.stderr.write(`${job.name}: ${job.rounds} rounds in ${Math.round(ms / 1_000)} s\n`);
}

console.table(
  comparisons.map(({ job, unit, subject, rival, subjectMedian, rivalMedian, ratio, ratios, budget }) => ({
    job,
    castoff: `${subjectMedian.toFixed(1)} ${unit}`,
    subject,
    rival,
    'rival has': `${rivalMedian.toFixed(1)} ${unit}`,
    ratio: Number(ratio.toFixed(3)),
    rounds: ratios.map((one) => one.toFixed(2)).join('–'),
    budget: `≤ ${budget}`,
    holds: ratio <= budget ? 'yes' : 'NO',
  })),
);
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(comparisons, undefined, 2)}\n`);
