/** One way to do the same job; resolves to the milliseconds that it took, or to as much as the job measures. */
export interface Contender {
  readonly name: string;
  run(): Promise<number>;
}

/** How a subject did against a rival: medians of all rounds, and of the ratios round by round. */
export interface Comparison {
  readonly job: string;
  readonly subject: string;
  readonly rival: string;
  readonly rounds: number;
  /** Of what is measured: `MiB` where it is no time. */
  readonly unit: Unit;
  readonly subjectMedian: number;
  readonly rivalMedian: number;
  readonly ratio: number;
  /** The lowest and the highest ratio of a round. */
  readonly ratios: readonly [number, number];
  /** The most that `ratio` may be, from DESIGN. */
  readonly budget: number;
}

export type Unit = 'ms' | 'MiB';

export interface Job {
  readonly name: string;
  /** Default `ms`. */
  readonly unit?: Unit;
  readonly rounds: number;
  readonly subject: Contender;
  readonly rivals: readonly { readonly contender: Contender; readonly budget: number }[];
}

/** Runs all contenders in every round, each round in another order, so that a drift of the machine hits all alike. */
export async function compare(job: Job): Promise<readonly Comparison[]> {
  const contenders = [job.subject, ...job.rivals.map((rival) => rival.contender)];
  const times = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < job.rounds; round += 1) {
    const first = round % contenders.length;
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      times.get(contender)?.push(await contender.run());
    }
  }
  const own = times.get(job.subject) ?? [];
  return job.rivals.map(({ contender, budget }) => {
    const others = times.get(contender) ?? [];
    const ratios = own.map((ms, round) => ms / (others[round] ?? Number.NaN));
    return {
      job: job.name,
      subject: job.subject.name,
      rival: contender.name,
      rounds: job.rounds,
      unit: job.unit ?? 'ms',
      subjectMedian: median(own),
      rivalMedian: median(others),
      ratio: median(ratios),
      ratios: [Math.min(...ratios), Math.max(...ratios)],
      budget,
    };
  });
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1] ?? Number.NaN, sorted[middle] ?? Number.NaN];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

/**
 * Returns the rounds of a job of which each is a sum over 30 containers or more: three for five of the others. Its
 * ratios differ less.
 */
export function roundsOfSums(rounds: number): number {
  return Math.ceil(rounds * 0.6);
}

/** Times `work` in milliseconds. */
export async function time(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** A budget that is an amount, as the rival that always comes to it. */
export function limit(amount: number, unit: Unit = 'ms'): Job['rivals'][number] {
  return { contender: { name: `${amount} ${unit}`, run: () => Promise.resolve(amount) }, budget: 1 };
}
