import { setVariable } from '../core/environment';
import { CastoffError } from '../core/errors';
import { withTimeout } from '../core/timeout';
import { openRun } from '../run/run';
import { watchSignals, type SignalWatch } from '../run/run-signals';
import type { Scope } from '../scope/scope';
import type { Run } from '../session/current-run';
import type { RunSettings } from '../session/run-client';
import { judge } from '../verdict/judge';
import type { LeakSettings, Verdict } from '../verdict/verdict';
import type { HandleWatch } from '../diagnosis/handle-watch';
import { isOpen } from '../registry/entry';
import { attachRun, type AttachedRun, type CallingCode } from './attached-run';
import { bridgeKey, type Bridge } from './bridge';
import { dropConnectionsTo } from './connections';
import { cancelExitWatch } from './watch-exit';
import { reportRunHandles } from './handles';
import { loadLate } from './load-late';

/** The open run of a runner's main process, with everything that global setups create in it. */
export interface MainRun {
  readonly run: Run;
  /** Detaches this process from the run. Rejects when the scope of the global setups could not be closed. */
  readonly detach: () => Promise<void>;
  /** The watch of what this process opens, which outlives the run; `undefined` when handles are not judged. */
  readonly handles?: HandleWatch | undefined;
  readonly signals: SignalWatch;
  /** Returns whether this process has created resources that still exist: those of global setups. */
  readonly hasOwnResources: () => boolean;
}

/** The process that opens a run. */
export interface MainProcess extends CallingCode {
  /** Whether its own listeners exit it at a signal. Default false. */
  readonly exitsBySignal?: boolean | undefined;
}

/**
 * Opens the run of this process, and attaches the process to it: everything that global setups create belongs
 * to the run. Sends no request to an engine. Workers join the run, whose address they inherit as CASTOFF_RUN.
 */
export async function openMainRun(settings: RunSettings, mainProcess: MainProcess = {}): Promise<MainRun> {
  cancelExitWatch();
  const run = await openRun(settings);
  setVariable('CASTOFF_RUN', run.address);
  try {
    const attached = attachMainProcess(run, mainProcess);
    return { run, ...attached, signals: watchSignals(run, { isFirst: mainProcess.exitsBySignal }) };
  } catch (error) {
    await run.close();
    throw error;
  }
}

/**
 * Detaches this process from the run, closes the run and judges it. Resolves to the verdict, which includes
 * failures, and a description of the kept resources. Never rejects.
 */
export async function closeMainRun(
  { run, detach, handles, signals }: MainRun,
  settings: LeakSettings,
): Promise<{ verdict: Verdict; kept: string }> {
  const failures: unknown[] = [];
  const detaching = withTimeout(detach(), { what: 'close the scope of the run', signal: run.startEnd() });
  await detaching.catch((error: unknown) => void failures.push(error));
  if (handles !== undefined) await reportRunHandles(handles, run);
  const end = await run.close();
  signals.stop();
  setVariable('CASTOFF_RUN', undefined);
  const verdict = judge({ ...end, failures: [...failures, ...end.failures] }, settings);
  if (verdict.kept.length === 0) return { verdict, kept: '' };
  // Loaded with its first use: most runs keep nothing.
  const { describeKept } = await import('../run/describe-kept.ts');
  const by = { session: run.session, isRetained: end.isRetained === true };
  return { verdict, kept: await describeKept(by, verdict.kept) };
}

/**
 * Never resolves once a signal is ending the process, which closes the run, prints the result and exits by
 * it. Without castoff, the runner would have exited by then: it would run no hook and print no error.
 */
export async function holdWhileDying({ signals }: Pick<MainRun, 'signals'>): Promise<void> {
  if (!signals.isDying) return;
  // Where other code handles the signal too, it is delivered in a later turn: the process must still run then.
  await new Promise<never>(() => void setInterval(() => undefined, 60_000));
}

function attachMainProcess(
  run: Run,
  calledBy: CallingCode,
): Pick<MainRun, 'detach' | 'handles' | 'hasOwnResources'> {
  const { attachedRun, detach } = attachRun(run.address, run, calledBy);
  let scope: Scope | undefined;
  const bridge: Bridge = {
    scope: () => (scope ??= openRunScope(run)),
    shared: (name, factory, options) => attachedRun.shared.shared(name, factory, options),
    sharedPerWorker: async (name) => {
      throw new CastoffError(
        'CONFIG_INVALID',
        `sharedPerWorker ${name}: a global setup does not run in a worker; use shared`,
      );
    },
  };
  Object.defineProperty(globalThis, bridgeKey, { value: bridge, configurable: true });
  const detachProcess = async (): Promise<void> => {
    try {
      // Those of test files that ran in this process, too.
      await dropConnectionsTo(attachedRun.registry.list({ kind: 'container', state: 'present' }));
      await scope?.close();
      await settleSetupResources(attachedRun);
    } finally {
      detach();
      Reflect.deleteProperty(globalThis, bridgeKey);
    }
  };
  const hasOwnResources = (): boolean =>
    scope !== undefined || attachedRun.registry.list().some((entry) => isOpen(entry));
  return { detach: detachProcess, handles: attachedRun.handles, hasOwnResources };
}

/** Records which resources of the global setup the global teardown has removed. */
async function settleSetupResources({ capture, registry }: AttachedRun): Promise<void> {
  const survivors = await capture.findSurvivors(({ owner }) => owner.scope === 'run');
  // The end of the run inspects them again, and they are not leaks.
  for (const { key, id, state } of survivors)
    if (state === 'unknown')
      registry.update(key, { state: id === undefined ? 'registered' : 'present', failure: undefined });
}

function openRunScope(run: Run): Scope {
  const { openScope } = loadLate.scope();
  return openScope('run', { ready: () => run.ready() });
}
