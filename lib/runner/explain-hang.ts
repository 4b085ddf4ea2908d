import { messageOf } from '../core/errors';
import { processWide } from '../core/global-state';
import { describeHang } from '../diagnosis/describe-hang';
import { findHang, type Wait } from '../diagnosis/find-hang';
import { describeStart, startsUnderWay } from '../scope/starts-under-way';
import type { TestContext } from './test-context';

/** The functions that a finding of this process has named. */
const namedFunctions = (): Set<string> => processWide('functions that hang', () => new Set<string>());

/**
 * Resolves to a text for the error of a test or hook that timed out: where its function waits, and what can end
 * the wait. `undefined` when it waits for nothing that castoff sees. Takes 1 to 2 s.
 */
export async function explainHang({ running, name }: TestContext): Promise<string | undefined> {
  if (running === undefined) return undefined;
  const named = namedFunctions();
  const nowMs = performance.now();
  const starts = startsUnderWay().filter(({ scope }) => scope === name || name.startsWith(`${scope}/`));
  const open = starts.map((start) => describeStart(start, nowMs));
  try {
    const hang = await findHang(running, (wait) => named.has(keyOf(wait)));
    if (hang === undefined) return undefined;
    for (const wait of [...hang.chain, ...hang.others]) named.add(keyOf(wait));
    return describeHang(hang, { open });
  } catch (error) {
    return `where it waits is unknown: ${messageOf(error)}`;
  }
}

function keyOf({ name, line }: Wait): string {
  return `${name} ${line}`;
}
