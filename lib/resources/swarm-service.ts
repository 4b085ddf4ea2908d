import { swarmServiceIdLabel, swarmServiceNameLabel, type Labels } from '../core/labels';
import { messageOf } from '../core/errors';
import type { Answer, Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import { inspectService, removeService, type ServiceFacts } from '../engine/service-calls';
import { ServiceKeptError } from './cleanup-error';

interface ServiceRef {
  readonly id: string;
  readonly name: string;
}

type ServiceStep =
  /** The service no longer exists or there is no swarm: nothing recreates the container. */
  | { readonly type: 'none' }
  | { readonly type: 'remove-service' }
  /** `isFinal`: retrying does not help. */
  | { readonly type: 'leave'; readonly reason: string; readonly isFinal: boolean };

/**
 * Returns the service of a container with `labels`.
 */
export function serviceOf(labels: Labels = {}): ServiceRef | undefined {
  const id = labels[swarmServiceIdLabel];
  if (id === undefined || id === '') return undefined;
  return { id, name: labels[swarmServiceNameLabel] ?? id };
}

/**
 * Decides what to do about a container's service. Swarm starts a new task for each removed container, so a
 * container is removed with its service or not at all.
 *
 * @param matchesTarget - Returns whether a service with these labels may be removed.
 */
export function decideService(
  { name, id }: ServiceRef,
  answer: Answer<ServiceFacts>,
  matchesTarget: (labels: Labels) => boolean,
): ServiceStep {
  const leave = (reason: string, isFinal: boolean): ServiceStep => ({
    type: 'leave',
    reason: `belongs to service ${name} (${id.slice(0, 12)}), ${reason}`,
    isFinal,
  });
  switch (answer.meaning) {
    case 'done':
      return matchesTarget(answer.value.labels)
        ? { type: 'remove-service' }
        : leave('which does not have these labels; remove the service', true);
    case 'gone':
      return { type: 'none' };
    case 'refused':
      return leave(`which cannot be inspected here: ${answer.error.engineMessage}`, true);
    case 'being-removed':
    case 'busy':
    case 'failed':
    case 'engine-away':
      return leave(`which could not be inspected: ${messageOf(answer.error)}`, false);
  }
}

/**
 * Removes the service of a container if it may be removed.
 *
 * @param isDryRun - Whether to change nothing.
 * @throws ServiceKeptError `CLEANUP_FAILED` when the container must be kept.
 */
export async function clearServiceOf(
  engine: Engine,
  { kind, id, name, labels }: ListedTarget,
  matchesTarget: (labels: Labels) => boolean,
  isDryRun = false,
): Promise<void> {
  const service = serviceOf(labels);
  if (service === undefined) return;
  const keep = (reason: string, isFinal: boolean): ServiceKeptError => {
    const evidence = { kind, id, title: name, attempts: 0, durationMs: 0, engineWords: reason };
    return new ServiceKeptError(evidence, isFinal);
  };
  const step = decideService(service, await inspectService(engine, service.id), matchesTarget);
  if (step.type === 'leave') throw keep(step.reason, step.isFinal);
  if (step.type === 'none' || isDryRun) return;
  const removed = await removeService(engine, service.id);
  if (removed.meaning === 'done' || removed.meaning === 'gone') return;
  const reason = `belongs to service ${service.name}, which could not be removed: ${messageOf(removed.error)}`;
  throw keep(reason, removed.meaning === 'refused');
}

/**
 * Decides which containers of a Swarm service to try: the first one, and the others only after the service is
 * removed. They are removed with the service, or kept for the same reason.
 */
export class ServiceTurns {
  readonly #states = new Map<string, 'tried' | 'gone' | 'left'>();

  /** Whether to try a container with `labels` now. */
  take(labels: Labels | undefined): boolean {
    const service = serviceOf(labels);
    if (service === undefined) return true;
    const state = this.#states.get(service.id);
    if (state === undefined) this.#states.set(service.id, 'tried');
    return state === undefined || state === 'gone';
  }

  settle(labels: Labels | undefined, state: 'gone' | 'left'): void {
    const service = serviceOf(labels);
    if (service !== undefined) this.#states.set(service.id, state);
  }

  isLeft(labels: Labels | undefined): boolean {
    const service = serviceOf(labels);
    return service !== undefined && this.#states.get(service.id) === 'left';
  }
}
