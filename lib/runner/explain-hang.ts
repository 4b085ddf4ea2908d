import { messageOf } from '../core/errors';
import { processWide } from '../core/global-state';
import { withTimeout } from '../core/timeout';
import { describeHang } from '../diagnosis/describe-hang';
import { formatHandle } from '../diagnosis/handle';
import type { HandleWatch } from '../diagnosis/handle-watch';
import { findHang } from '../diagnosis/find-hang';
import type { Wait } from '../diagnosis/hang';
import { describeFinalizer, finalizersUnderWay } from '../scope/finalizers-under-way';
import { describeStart, startsUnderWay } from '../scope/starts-under-way';
import type { TestContext } from './test-context';

/** The functions that a finding of this process has named. */
const namedFunctions = (): Set<string> => processWide('functions that hang', () => new Set<string>());

/** The test runner waits for a finding, which takes 1 to 2 s, and more on a busy machine. In milliseconds. */
const findTimeoutMs = 30_000;

/** What a finding can read beside the heap. */
export interface HangSources {
  /** The watch of this process, for what the test has opened; `undefined` if it is off. */
  readonly handles: HandleWatch | undefined;
  /** Whether no description of the containers follows, which lists starts under way. */
  readonly isLast: boolean;
}

/**
 * Resolves to a text for the error of a test or hook that timed out: where its function waits, and what can end
 * the wait. `undefined` when it waits for nothing that castoff sees. Takes 1 to 2 s.
 */
export async function explainHang(
  { running, name }: TestContext,
  { handles, isLast }: HangSources,
): Promise<string | undefined> {
  if (running === undefined) return undefined;
  const named = namedFunctions();
  const nowMs = performance.now();
  const starts = isLast
    ? startsUnderWay().filter(({ scope }) => scope === name || name.startsWith(`${scope}/`))
    : [];
  try {
    const isAround = (scope: string): boolean => name.startsWith(`${scope}/`);
    // A request may reuse a connection that a hook has opened.
    const opened = handles
      ?.list(({ scope }) => scope === name || isAround(scope))
      .filter(({ kind, scope }) => scope === name || kind === 'connection');
    const open = [
      ...finalizersUnderWay().map((finalizer) => describeFinalizer(finalizer, nowMs)),
      ...starts.map((start) => describeStart(start, nowMs)),
      ...(opened ?? []).map((handle) => formatHandle(handle)),
    ];
    const finding = findHang(running, (wait) => named.has(keyOf(wait)));
    const hang = await withTimeout(finding, { what: 'look at the heap', timeoutMs: findTimeoutMs });
    if (hang === undefined) return undefined;
    for (const wait of [...hang.chain, ...hang.others]) named.add(keyOf(wait));
    // The watch knows the lines that opened timers.
    return describeHang(opened === undefined ? hang : { ...hang, timers: [] }, { open });
  } catch (error) {
    return `where it waits is unknown: ${messageOf(error)}`;
  }
}

function keyOf({ name, line }: Wait): string {
  return `${name} ${line}`;
}
