import { rm } from 'node:fs/promises';
import fc from 'fast-check';
import type { Bundle } from './bundle';
import { makeAlmostOwn, type AlmostOwn } from './kill-round-bystanders';
import { startChild, type Child, type ChildPlan, type Making, type Step } from './kill-round-child';
import { describeItem, isReaping, pickOwn, takeStock, type StockItem } from './kill-round-stock';
import { until } from './until';

const anyOf = (weights: Readonly<Partial<Record<Making, number>>>): fc.Arbitrary<readonly Making[]> => {
  const makings = Object.entries(weights).flatMap(([making, weight]) =>
    Array.from({ length: weight }, () => making as Making),
  );
  return fc.array(fc.constantFrom(...makings), { minLength: 1, maxLength: 4 });
};

// A container that is only created is a full resource to the reaper, and costs the engine a twentieth of one that runs. Three of
// four programs do without testcontainers, which takes longer to load than all else that they do.
const anyThings = fc.oneof(
  { weight: 3, arbitrary: anyOf({ created: 5, volume: 2, raw: 1 }) },
  {
    weight: 1,
    arbitrary: anyOf({ scoped: 2, network: 2, image: 1, compose: 1, created: 1, volume: 1, raw: 1 }),
  },
);

/** What happens in one round: the kill comes so long after that step of the program, the `count`-th of its name. */
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

function killAfter(step: Step['step'], mostCount: number, mostMs: number) {
  return fc.record({
    step: fc.constant(step),
    count: fc.integer({ min: 1, max: mostCount }),
    afterMs: fc.nat({ max: mostMs }),
  });
}

type Round = typeof anyRound extends fc.Arbitrary<infer R> ? R : never;

/** The same round for the same seed, but for what the machine makes of it. Even seeds have a container, odd ones a process. */
function roundOf(seed: number): Round & Pick<ChildPlan, 'reaper'> {
  const [round] = fc.sample(fc.noBias(anyRound), { seed, numRuns: 1 });
  if (round === undefined) throw new Error('a sample of one has one');
  return { ...round, reaper: seed % 2 === 0 ? 'container' : 'process' };
}

const programTimeoutMs = 60_000;
const goneTimeoutMs = 20_000;

/** A program that takes a lease, makes things, and is killed; then what becomes of all that. */
export class KillRound {
  readonly seed: number;
  readonly #wrong: string[] = [];
  #child: Child | undefined;
  #almostOwn: Promise<AlmostOwn> | undefined;
  #endedAt = 0;
  /** How many things it had begun to make at its end. */
  begun = 0;
  /** How many things it is known to have had at its end: made and never closed, or seen by the first look. */
  had = 0;
  /** From its end until all of these were gone. */
  goneMs = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  get reaper(): ChildPlan['reaper'] {
    return roundOf(this.seed).reaper;
  }

  /** Runs the program to its end, and waits until what it has made is gone, or the time is up. */
  async run(bundle: Bundle): Promise<void> {
    const { things, atOnce, kill, reaper } = roundOf(this.seed);
    const count = Math.min(kill.count, things.length);
    let heard = 0;
    const onStep = ({ step, session }: Step): void => {
      if (session !== undefined) this.#almostOwn = makeAlmostOwn(session);
      if (step !== kill.step) return;
      heard += 1;
      if (heard === count) setTimeout(() => child.signal('SIGKILL'), kill.afterMs);
    };
    const end = kill.step === 'closing' ? 'close' : 'wait';
    const child: Child = await startChild(bundle, { reaper, things, atOnce, end }, { onStep });
    this.#child = child;
    const timeout = setTimeout(() => child.signal('SIGKILL'), programTimeoutMs);
    const { code, signal } = await child.ended;
    clearTimeout(timeout);
    this.#endedAt = performance.now();
    if (signal !== 'SIGKILL' && child.steps.at(-1)?.step !== 'closed')
      this.#wrong.push(`the program ended by itself, with ${signal ?? code}`);
    if (heard < count && signal === 'SIGKILL') this.#wrong.push(`it got nowhere in ${programTimeoutMs} ms`);
    const remaining = async () => this.pickOwn(await takeStock([])).filter((one) => !isReaping(one));
    const seen = (await remaining()).length;
    const countSteps = (step: Step['step']): number => child.steps.filter((one) => one.step === step).length;
    this.begun = countSteps('making');
    this.had = Math.max(seen, end === 'close' ? 0 : countSteps('made'));
    await until(async () => (await remaining()).length === 0, goneTimeoutMs, 250);
    this.goneMs = performance.now() - this.#endedAt;
  }

  /**
   * Waits until its reaper has ended too. Resolves to what went wrong, in words: nothing, if all is well. A reaper's container
   * that a kill has kept from being started is the next sweep's to remove.
   */
  async finish(): Promise<string | undefined> {
    const isOver = async (): Promise<boolean> => (await this.#left()).every(isUnstarted);
    const restMs = Math.max(0, this.#endedAt + goneTimeoutMs - performance.now());
    if (!(await until(isOver, restMs, 250))) {
      const left = await this.#left();
      this.#wrong.push(...left.map((one) => `left after ${goneTimeoutMs} ms: ${describeItem(one)}`));
    }
    this.#wrong.push(...((await (await this.#almostOwn)?.missing()) ?? []));
    return this.#wrong.length === 0 ? undefined : this.#describe();
  }

  /** What of the engine's stock is its own. */
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
    const { steps = [], words = '' } = this.#child ?? {};
    return [
      `seed ${this.seed} (CASTOFF_SEED=${this.seed} replays it): reaper ${reaper}, ${atOnce} at once, ` +
        `killed ${kill.afterMs} ms after "${kill.step}" ${kill.count}`,
      ...this.#wrong.map((what) => `  wrong: ${what}`),
      ...steps.map((step) => `  step: ${JSON.stringify(step)}`),
      ...(words === '' ? [] : [words]),
    ].join('\n');
  }
}

const isUnstarted = (one: StockItem): boolean =>
  one.kind === 'container' && isReaping(one) && one.state === 'created';
