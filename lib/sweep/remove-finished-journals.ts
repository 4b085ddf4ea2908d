import type { RegistryEntry } from '../registry/entry';
import { removeJournals } from '../registry/session-journals';
import type { JudgedSession } from './judge-session';
import type { SweptResource } from './sweep-report';

/** How long an engine may go on creating parts of a project after its Compose command was killed. */
const creationMs = 10 * 60_000;

/** Removes the journals of sessions that have nothing left, and for which the engine creates nothing more. */
export function removeFinishedJournals(
  judged: readonly JudgedSession[],
  resources: readonly SweptResource[],
): void {
  const nowMs = Date.now();
  for (const { shouldRemove, session, journals } of judged) {
    const isLeft = resources.some(
      (resource) => resource.session === session && resource.action !== 'removed',
    );
    const mayGrow = journals?.unfinished.some((entry) => mayAppear(entry, nowMs)) === true;
    if (shouldRemove && journals !== undefined && !isLeft && !mayGrow) removeJournals(journals);
  }
}

/** A late part of a Compose project does not carry its session's labels, so the next sweep needs the journal. */
function mayAppear({ kind, state, since }: RegistryEntry, nowMs: number): boolean {
  return kind === 'compose-project' && state === 'registered' && nowMs - since.getTime() < creationMs;
}
