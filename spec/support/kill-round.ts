import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import { makeAlmostOwn, type AlmostOwn } from './kill-round-bystanders';
import { startChild, type Child, type ChildPlan, type Making, type Step } from './kill-round-child';
import { describeItem, isReaping, pickOwn, takeStock, type StockItem } from './kill-round-stock';
import { until } from './until';

const anyOf = (weights: Readonly<Partial<Record<Making, number>>>): fc.Arbitrary<readonly Making[]> => {
  const kinds = Object.entries(weights).flatMap(([making, weight]) =>
    Array.from({ length: weight }, () => making as Making),
  );
  return fc.array(fc.constantFrom(...kinds), { minLength: 1, maxLength: 4 });
};

// To the reaper, a created container is like a running one, and it takes the engine a twentieth of the time.
// Three of four programs do not use testcontainers, whose loading takes longer than everything else.
const anyThings = fc.oneof(
  { weight: 3, arbitrary: anyOf({ created: 5, volume: 2, raw: 1 }) },
  {
    weight: 1,
    arbitrary: anyOf({ scoped: 2, network: 2, image: 1, compose: 1, created: 1, volume: 1, raw: 1 }),
  },
);

/** One round: the program is killed `afterMs` after its `count`-th step of that name. */
const anyRound = fc.record({
  things: anyThings,
  atOnce: fc.constantFrom(1, 3),
  kill: fc.oneof(
    killAfter('opening', 1, 600),
    killAfter('opened', 1, 50),
    killAfter('making', 5, 30),
    killAfter('making', 5, 300),
    killAfter('making', 5, 2_500),
    killAfter('made', 5, 30),
    killAfter('done', 1, 300),
    killAfter('closing', 1, 400),
  ),
});

function killAfter(step: Step['step'], maxCount: number, maxMs: number) {
  return fc.record({
    step: fc.constant(step),
    count: fc.integer({ min: 1, max: maxCount }),
    afterMs: fc.nat({ max: maxMs }),
  });
}

type Round = typeof anyRound extends fc.Arbitrary<infer R> ? R : never;

/** The round of a seed; only its timing may differ. Even seeds use a reaper container, odd ones a process. */
function roundOf(seed: number): Round & Pick<ChildPlan, 'reaper'> {
  const [round] = fc.sample(fc.noBias(anyRound), { seed, numRuns: 1 });
  if (round === undefined) throw new Error('a sample of one has one');
  return { ...round, reaper: seed % 2 === 0 ? 'container' : 'process' };
}

const programTimeoutMs = 60_000;
const goneTimeoutMs = 20_000;

/** Runs a program that opens a session, creates resources and is killed, and then checks what is left. */
export class KillRound {
  readonly seed: number;
  readonly #problems: string[] = [];
  #child: Child | undefined;
  #almostOwn: Promise<AlmostOwn> | undefined;
  #endedAt = 0;
  /** Number of creations that it had started. */
  startedCount = 0;
  /**
   * Number of resources that it is known to have had: created and never closed, or found by the first
   * listing.
   */
  ownedCount = 0;
  /** Time from its end until all of these were removed. */
  removedAfterMs = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  get reaper(): ChildPlan['reaper'] {
    return roundOf(this.seed).reaper;
  }

  /** Runs the program to its end, and waits until its resources are removed, or for 20 s. */
  async run(): Promise<void> {
    const { things, atOnce, kill, reaper } = roundOf(this.seed);
    const count = Math.min(kill.count, things.length);
    let seenSteps = 0;
    const onStep = ({ step, session }: Step): void => {
      if (session !== undefined) this.#almostOwn = makeAlmostOwn(session);
      if (step !== kill.step) return;
      seenSteps += 1;
      if (seenSteps === count) setTimeout(() => child.signal('SIGKILL'), kill.afterMs);
    };
    const end = kill.step === 'closing' ? 'close' : 'wait';
    const child: Child = await startChild({ reaper, things, atOnce, end }, { onStep });
    this.#child = child;
    const timeout = setTimeout(() => child.signal('SIGKILL'), programTimeoutMs);
    const { code, signal } = await child.ended;
    clearTimeout(timeout);
    this.#endedAt = performance.now();
    if (signal !== 'SIGKILL' && child.steps.at(-1)?.step !== 'closed')
      this.#problems.push(`the program ended by itself, with ${signal ?? code}`);
    if (seenSteps < count && signal === 'SIGKILL')
      this.#problems.push(`it did not reach its step in ${programTimeoutMs} ms`);
    const remaining = async () => this.pickOwn(await takeStock([])).filter((one) => !isReaping(one));
    const listedCount = (await remaining()).length;
    const countSteps = (step: Step['step']): number => child.steps.filter((one) => one.step === step).length;
    this.startedCount = countSteps('making');
    this.ownedCount = Math.max(listedCount, end === 'close' ? 0 : countSteps('made'));
    await until(async () => (await remaining()).length === 0, goneTimeoutMs, 250);
    this.removedAfterMs = performance.now() - this.#endedAt;
  }

  /**
   * Waits until its reaper has exited, too. Resolves to a description of what went wrong, if anything. A
   * reaper container that was created, but not started before the kill, is left to the next sweep.
   */
  async finish(): Promise<string | undefined> {
    const isOver = async (): Promise<boolean> => (await this.#left()).every(isUnstarted);
    const restMs = Math.max(0, this.#endedAt + goneTimeoutMs - performance.now());
    if (!(await until(isOver, restMs, 250))) {
      const left = await this.#left();
      this.#problems.push(...left.map((one) => `left after ${goneTimeoutMs} ms: ${describeItem(one)}`));
    }
    this.#problems.push(...((await (await this.#almostOwn)?.missing()) ?? []));
    return this.#problems.length === 0 ? undefined : this.#describe();
  }

  /** Filters `stock` for this round's own items. */
  pickOwn(stock: readonly StockItem[]): readonly StockItem[] {
    return this.#child === undefined ? [] : pickOwn(stock, this.#child.traces);
  }

  async dispose(): Promise<void> {
    await (await this.#almostOwn)?.remove();
    if (this.#child !== undefined) await rm(this.#child.traces.folder, { recursive: true, force: true });
  }

  async #left(): Promise<readonly StockItem[]> {
    return this.pickOwn(await takeStock([this.#child!.traces.folder]));
  }

  #describe(): string {
    const { reaper, kill, atOnce } = roundOf(this.seed);
    const { steps = [], stderr = '' } = this.#child ?? {};
    return [
      `seed ${this.seed} (CASTOFF_SEED=${this.seed} replays it): reaper ${reaper}, ${atOnce} at once, ` +
        `killed ${kill.afterMs} ms after "${kill.step}" ${kill.count}`,
      ...this.#problems.map((what) => `  wrong: ${what}`),
      ...steps.map((step) => `  step: ${JSON.stringify(step)}`),
      ...(stderr === '' ? [] : [stderr]),
    ].join('\n');
  }
}

const isUnstarted = (one: StockItem): boolean =>
  one.kind === 'container' && isReaping(one) && one.state === 'created';
