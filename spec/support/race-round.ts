import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { cleanupContainer, type CleanupOptions } from '../../lib/index';
import { printCalls } from './fault-calls';
import { openFaultProxy } from './fault-proxy';
import { specImage } from './spec-image';
import { createRunningContainer, docker, exists, specLabel, uniqueName } from './things';
import { until } from './until';

const run = promisify(execFile);

/** A container to remove. */
interface Target {
  readonly id: string;
  readonly name: string;
  /** A proxy in front of the engine, with faults. */
  readonly proxied: string;
}

const timeoutMs = 20_000;
const clean = (ref: string, engine: string | undefined, options: CleanupOptions = {}): Promise<unknown> =>
  cleanupContainer(ref, { engine, timeoutMs, ...options });

/** castoff's removers: each must succeed, with the container gone. */
const ours = {
  'by id': ({ id, proxied }: Target) => clean(id, proxied),
  'by name': ({ name, proxied }: Target) => clean(name, proxied),
  'by short id': ({ id, proxied }: Target) => clean(id.slice(0, 12), proxied),
  'with grace': ({ id, proxied }: Target) => clean(id, proxied, { stopTimeoutMs: 1_000 }),
  'with post-mortem': ({ id, proxied }: Target) => clean(id, proxied, { postMortem: true }),
  'past the proxy': ({ id }: Target) => clean(id, undefined),
};

/** castoff's removers that stop early: each must succeed, or fail with its own reason. */
const leavers = {
  'aborted soon': ({ id, proxied }: Target) => {
    const signal = AbortSignal.timeout(30);
    return clean(id, proxied, { signal }).catch((error: unknown) => {
      if (error !== signal.reason) throw error;
    });
  },
  'out of time': ({ id, proxied }: Target) =>
    clean(id, proxied, { timeoutMs: 40 }).catch((error: unknown) => {
      if ((error as { code?: unknown }).code !== 'CLEANUP_FAILED') throw error;
    }),
};

/** Other removers, which may fail when another one is faster. */
const others = {
  'dockerode remove': ({ id }: Target) => docker.getContainer(id).remove({ force: true, v: true }),
  'docker rm': ({ id }: Target) => run('docker', ['rm', '--force', '--volumes', id]),
  stop: ({ id }: Target) => docker.getContainer(id).stop({ t: 1 }),
  kill: ({ id }: Target) => docker.getContainer(id).kill(),
};

const names = <T extends object>(of: T) => fc.constantFrom(...(Object.keys(of) as (keyof T)[]));
const startMs = fc.nat({ max: 80 });

/** The plan of one round. */
const anyRound = fc.record({
  container: fc.constantFrom('running', 'running', 'AutoRemove', 'paused', 'exited', 'created'),
  faultRate: fc.constantFrom(0, 0.15, 0.3, 0.45),
  first: fc.record({ startMs, how: names(ours) }),
  removers: fc.array(
    fc.oneof(
      fc.record({ startMs, how: names(ours) }),
      fc.record({ startMs, how: names(leavers) }),
      fc.record({ startMs, how: names(others) }),
      fc.record({ startMs, how: names(others) }),
    ),
    { maxLength: 7 },
  ),
});

type Round = typeof anyRound extends fc.Arbitrary<infer R> ? R : never;

/** Returns the plan of a seed, always the same; only the machine's timing differs. */
function roundOf(seed: number): Round {
  const [round] = fc.sample(fc.noBias(anyRound), { seed, numRuns: 1 });
  if (round === undefined) throw new Error('a sample of one has one');
  return round;
}

async function makeContainer(state: Round['container'], name: string): Promise<string> {
  const Volumes = { '/data': {} };
  if (state === 'created') {
    return (await docker.createContainer({ name, Image: specImage, Volumes, Labels: specLabel })).id;
  }
  const id = await createRunningContainer({
    name,
    Volumes,
    HostConfig: { AutoRemove: state === 'AutoRemove' },
  });
  const container = docker.getContainer(id);
  if (state === 'paused') await container.pause();
  if (state === 'exited') await container.stop({ t: 1 });
  return id;
}

/**
 * Runs the round of `seed`: concurrent removers of one container, with faults for those of castoff. Resolves
 * to a description of the failures, or to undefined.
 */
export async function runRaceRound(seed: number): Promise<string | undefined> {
  const { container, faultRate, first, removers } = roundOf(seed);
  const name = uniqueName();
  const id = await makeContainer(container, name);
  const volume = (await docker.getContainer(id).inspect()).Mounts[0]?.Name ?? 'none';
  await using proxy = await openFaultProxy();
  const target: Target = { id, name, proxied: proxy.address };
  const inProgress = {
    type: 'answer',
    status: 409,
    message: `removal of container ${id} is already in progress`,
  } as const;
  const untrue = [inProgress, { type: 'answer', status: 204 } as const];
  const endless = [{ type: 'swallow' } as const, { type: 'cut-answer' } as const];
  proxy.seed(seed, { rate: faultRate / 4, on: 'DELETE **', faults: [...untrue, ...endless] });
  proxy.seed(seed, { rate: faultRate });

  const wrong: string[] = [];
  const remove = async ({
    how,
    startMs: afterMs,
  }: Round['first'] | Round['removers'][number]): Promise<void> => {
    await delay(afterMs);
    if (how in others) {
      // A faster remover makes the others fail.
      await others[how as keyof typeof others](target).catch(() => undefined);
      return;
    }
    try {
      await { ...ours, ...leavers }[how as keyof typeof ours](target);
      if (how in ours && (await exists('container', id))) wrong.push(`${how}: it is still there`);
    } catch (error) {
      wrong.push(`${how}: ${String(error)}`);
    }
  };
  await Promise.all([first, ...removers].map(remove));

  if (await exists('container', id)) wrong.push('the container is left');
  if (!(await until(async () => !(await exists('volume', volume))))) wrong.push('its volume is left');
  if (wrong.length === 0) return undefined;
  const plan = [first, ...removers].map(({ how, startMs: afterMs }) => `${how} after ${afterMs} ms`);
  return [
    `seed ${seed} (CASTOFF_SEED=${seed} replays it): ${container} container ${id}, faults ${faultRate}`,
    ...wrong.map((what) => `  wrong: ${what}`),
    ...plan.map((what) => `  remover: ${what}`),
    printCalls(proxy.calls),
  ].join('\n');
}
