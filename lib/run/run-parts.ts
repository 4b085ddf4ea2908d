import { disableRyuk } from '../core/disable-ryuk';
import { print } from '../core/print';
import { withTimeout } from '../core/timeout';
import type { Engine } from '../engine/engine';
import type { RegistryEntry } from '../registry/entry';
import type { SessionIdentity } from '../registry/session-identity';
import { EndPatience, type EndPatienceOptions } from '../session/end-patience';
import type { RunClient, RunSettings } from '../session/run-client';
import { matchesIgnore } from '../verdict/ignore';
import type { OpenHandle } from '../verdict/verdict';
import { RunCleanup } from './run-cleanup';
import { RunEntries } from './run-entries';
import { RunLeases } from './run-leases';
import { RunSession } from './run-session';
import { SharedFixtures } from './shared-fixtures';

/** What each process of a run knows about it. */
export type RunFacts = Pick<RunClient, 'session' | 'owner' | 'settings' | 'coversTestcontainers'>;

/** The options of {@link createRunParts}. */
export interface RunPartsOptions {
  readonly settings: RunSettings;
  readonly identity: SessionIdentity;
  readonly wantsReaper: boolean;
  readonly limits: Pick<EndPatienceOptions, 'quietMs' | 'silenceMs'>;
  /** Whether everything with the session's labels is in the registry. */
  readonly registersAll: boolean;
}

/** Creates the parts of a run. They refer to each other, but contact nothing until they are used. */
export function createRunParts({ settings, identity, wantsReaper, limits, registersAll }: RunPartsOptions) {
  const { id: session, owner, registry } = identity;
  const entries = new RunEntries(registry);
  const leases = new RunLeases(session);
  const mayHaveResources = (): boolean => !registersAll || entries.list().length > 0;
  const runSession = new RunSession({
    session,
    owner,
    wantsReaper,
    ending: {
      isInUse: () => false,
      removeLeftovers: async (engine) => {
        if (mayHaveResources()) await cleanup.removeLeftovers(engine);
      },
      retention: () => cleanup.retention(),
    },
  });
  const openPatience = (waitingFor: () => readonly string[]): EndPatience =>
    new EndPatience({
      ...limits,
      ping: (timeoutMs) => runSession.isAnswered(timeoutMs),
      waitingFor: () => {
        const names = waitingFor();
        return names.length > 0 ? names : ["the run's resources"];
      },
      print,
    });
  const patience = openPatience(() => cleanup.waitingFor());
  const { signal } = patience;
  const engine = async (): Promise<Engine> => {
    const opened = await withTimeout(runSession.opened(), { what: 'reach the engine', signal });
    // Adopted resources, and those created by commands, need no session.
    return opened?.engine ?? (await import('../engine/connect.ts')).connectEngine();
  };
  const isExempt = (entry: RegistryEntry): boolean =>
    settings.leaks === 'off' || settings.ignore.some((pattern) => matchesIgnore(pattern, entry));
  const cleanup = new RunCleanup({
    session,
    entries,
    leases,
    isShared: (scope) => shared.isShared(scope),
    isExempt,
    engine,
    isInUse: () => runSession.isInUse,
    patience: openPatience,
    signal,
  });
  const shared: SharedFixtures = new SharedFixtures(entries, (name) => cleanup.clearShared(name));
  return {
    facts: { session, owner, settings, coversTestcontainers: wantsReaper } satisfies RunFacts,
    runSession,
    /** The time limit at the end. */
    patience,
    leases,
    entries,
    cleanup,
    shared,
    /** Whether anything of the run may exist on the engine. */
    mayHaveResources,
    /** Creations that went out without labels. */
    unlabelled: [] as string[],
    /** The handles that outlived their owners, in all processes of the run. */
    handles: [] as OpenHandle[],
    /** Restores the variable that disables Testcontainers' reaper. */
    restoreRyuk: wantsReaper ? disableRyuk(process) : () => undefined,
  };
}

/** The parts of a run, in its own process. */
export type RunParts = ReturnType<typeof createRunParts>;
