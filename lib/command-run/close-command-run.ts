import type { RunSettings } from '../session/run-client';
import { judge } from '../verdict/judge';
import type { Verdict } from '../verdict/verdict';
import type { ImagesEnd } from './built-images';
import { isFailedStatus, type CommandStatus } from './command-status';
import { recordLeft } from './left-resources';
import type { CommandRun } from './open-command-run';

/** The outcome of a command's run. */
export interface CommandVerdict {
  readonly verdict: Verdict;
  /** A description of the kept resources; may be empty. */
  readonly kept: string;
  readonly images: ImagesEnd;
}

interface CommandEnding {
  readonly settings: RunSettings;
  /** Whether to remove the images that the command built. */
  readonly removesImages: boolean;
}

/**
 * Ends the run of a command that has ended: closes the relay, records what is left, removes and verifies it, and
 * judges the result. Never rejects: the verdict has the failures.
 */
export async function closeCommandRun(
  commandRun: CommandRun,
  status: CommandStatus,
  { settings, removesImages }: CommandEnding,
): Promise<CommandVerdict> {
  const { engine, session, registry, relay } = commandRun;
  const failures: unknown[] = [];
  const attempt = async (step: () => Promise<void>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      failures.push(error);
    }
  };
  const isKept = settings.keep === 'failed' && isFailedStatus(status);
  await attempt(() => relay.close());
  const { requests } = commandRun;
  if (requests !== undefined) {
    const { creations, volumes } = requests;
    await attempt(() =>
      recordLeft(engine, {
        session,
        registry,
        isAutoRemoved: (entry) => creations.isAutoRemoved(entry),
        isUnusedVolume: (entry) => creations.isUnusedVolume(entry),
        isKept,
      }),
    );
    if (!isKept) await attempt(() => volumes.registerLeft());
  }
  const run = await commandRun.run();
  // The limit at the end is for removals alone.
  if (run.isInUse) await Promise.allSettled([run.ready()]);
  const end = await run.close();
  let built: ImagesEnd = { images: [], removed: [] };
  await attempt(async () => {
    if (requests !== undefined) built = await requests.images.finish(removesImages && !isKept);
  });
  const all = { ...end, failures: [...failures, ...end.failures] };
  const verdict = judge(all, settings, 'command');
  if (verdict.kept.length === 0) return { verdict, kept: '', images: built };
  const { describeKept } = await import('../run/describe-kept.ts');
  const by = { session, isRetained: end.isRetained === true };
  return { verdict, kept: await describeKept(by, verdict.kept), images: built };
}
