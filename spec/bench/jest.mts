import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { median, type Contender, type Job } from './paired.mts';

const run = promisify(execFile);
const docker = new Docker();
const repository = join(import.meta.dirname, '../..');
const original = 'testcontainers/ryuk:0.14.0';

/** Whether tests stop what they start, and who stands behind them where castoff does not. */
interface Form {
  readonly name: string;
  readonly isStopped: boolean;
  /** The image of the Ryuk that testcontainers starts; `undefined`: Ryuk is disabled. */
  readonly ryuk: string | undefined;
}

/** A suite of 50 tests with a container each, raw testcontainers: with the preset, against without. */
export async function suiteJobs(
  rounds: number,
): Promise<{ readonly jobs: readonly Job[] } & AsyncDisposable> {
  const ryuk = (await hasImage(original)) ? original : 'castoff/reaper:0.1.0';
  const forms: readonly Form[] = [
    { name: 'tests stop theirs, no Ryuk', isStopped: true, ryuk: undefined },
    { name: 'tests stop theirs, Ryuk behind them', isStopped: true, ryuk },
    { name: 'tests leave theirs to Ryuk', isStopped: false, ryuk },
  ];
  const folder = await makeProject('fifty');
  return {
    jobs: forms.flatMap((form) => jobsOf(folder, form, rounds)),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** One that is timed until Jest has ended and, where tests leave something, one of the same runs until all of it is gone. */
function jobsOf(folder: string, form: Form, rounds: number): readonly Job[] {
  const withPreset = new Suite(folder, 'with the preset', form, {
    CASTOFF_SPEC_PRESET: 'yes',
    // What is left to it are leaks to castoff.
    CASTOFF_LEAKS: form.isStopped ? 'fail' : 'off',
  });
  const without = new Suite(folder, 'without', form, ryukEnvironment(form.ryuk));
  const name = `50 tests with a container each: ${form.name}`;
  const ended: Job = { name, rounds, subject: withPreset, rivals: [{ contender: without, budget: 1 }] };
  if (form.isStopped) return [ended];
  return [
    ended,
    {
      name: 'the same, until nothing is left of it',
      rounds,
      subject: withPreset.untilGone,
      rivals: [{ contender: without.untilGone, budget: 1 }],
    },
  ];
}

class Suite implements Contender {
  readonly name: string;
  /** What the rounds that were run took until nothing of them was left. */
  readonly untilGone: Contender;
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #goneMs: number[] = [];

  constructor(folder: string, name: string, form: Form, env: Readonly<Record<string, string>>) {
    this.name = name;
    this.untilGone = { name, run: () => Promise.resolve(this.#goneMs.shift() ?? Number.NaN) };
    this.#folder = folder;
    this.#env = { ...env, CASTOFF_SPEC_STOP: form.isStopped ? 'yes' : 'no' };
  }

  async run(): Promise<number> {
    const id = `castoff-bench-${randomBytes(6).toString('hex')}`;
    const reapersBefore = new Set((await listReapers()).map(({ Id }) => Id));
    const startedAt = performance.now();
    await runJest(this.#folder, { ...this.#env, CASTOFF_SPEC_RUN: id });
    const ms = performance.now() - startedAt;
    while (await hasContainers(id)) await delay(100);
    this.#goneMs.push(performance.now() - startedAt);
    await removeReaper(this.#folder, reapersBefore);
    return ms;
  }
}

function ryukEnvironment(image: string | undefined): Record<string, string> {
  return image === undefined
    ? { TESTCONTAINERS_RYUK_DISABLED: 'true' }
    : { TESTCONTAINERS_RYUK_DISABLED: 'false', RYUK_CONTAINER_IMAGE: image };
}

/** What a test waits for the removal of its container, against stop(): both as the tests of one file see them. */
export async function removalWaitJob(rounds: number): Promise<Job & AsyncDisposable> {
  const folder = await makeProject('removal-wait');
  let last: { readonly waits: readonly number[]; readonly stops: readonly number[] } | undefined;
  // Each run of the file is a round of both.
  const contender = (name: string, of: 'waits' | 'stops'): Contender => ({
    name,
    async run() {
      const times = last ?? (await timesOf(folder));
      last = last === undefined ? times : undefined;
      return median(times[of]);
    },
  });
  return {
    name: "a test's container goes",
    rounds,
    subject: contender('from the last line of a test to the next test', 'waits'),
    rivals: [{ contender: contender('container.stop()', 'stops'), budget: 0.05 }],
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function timesOf(folder: string): Promise<{ waits: number[]; stops: number[] }> {
  await runJest(folder, {});
  return JSON.parse(await readFile(join(folder, 'times.json'), 'utf8'));
}

/** A project with castoff and Testcontainers installed. */
async function makeProject(fixture: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-bench-'));
  await cp(join(repository, 'spec/fixtures/jest', fixture), folder, { recursive: true });
  const modules = join(folder, 'node_modules');
  // A copy: a build in between does not change what runs.
  for (const part of ['package.json', 'dist'])
    await cp(join(repository, part), join(modules, 'castoff', part), { recursive: true });
  for (const name of ['jest', 'testcontainers'])
    await symlink(join(repository, 'node_modules', name), join(modules, name));
  return folder;
}

async function runJest(folder: string, env: Readonly<Record<string, string>>): Promise<void> {
  const { TESTCONTAINERS_RYUK_DISABLED: _, ...rest } = process.env;
  const jest = join(folder, 'node_modules/jest/bin/jest.js');
  await run(process.execPath, [jest, '--maxWorkers=2', '--cacheDirectory', join(folder, 'cache')], {
    cwd: folder,
    env: { ...rest, CASTOFF_SWEEP: 'off', ...env },
  });
}

async function hasContainers(id: string): Promise<boolean> {
  const filters = { label: [`castoff-spec-run=${id}`] };
  return (await docker.listContainers({ all: true, filters })).length > 0;
}

/** The next round begins without the Ryuk of this one, as this one did. */
async function removeReaper(folder: string, reapersBefore: ReadonlySet<string>): Promise<void> {
  const sessions = new Set((await readFile(join(folder, 'sessions.txt'), 'utf8')).trim().split('\n'));
  const reapers = (await listReapers()).filter(
    // One that was there before may have been taken for theirs: it is somebody else's.
    ({ Id, Names }) =>
      !reapersBefore.has(Id) && sessions.has(Names[0]?.replace('/testcontainers-ryuk-', '') ?? ''),
  );
  await Promise.allSettled(reapers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })));
}

function listReapers(): Promise<Docker.ContainerInfo[]> {
  return docker.listContainers({ filters: { label: ['org.testcontainers.ryuk=true'] } });
}

async function hasImage(name: string): Promise<boolean> {
  return (await docker.listImages({ filters: { reference: [name] } })).length > 0;
}
