import { swarmServiceIdLabel, swarmServiceNameLabel } from '../core/labels';
import { messageOf } from '../core/errors';
import type { Answer, Engine } from '../engine/engine';
import type { ListedTarget } from '../engine/list-targets';
import { inspectService, removeService, type ServiceFacts } from '../engine/service-calls';
import { CleanupError } from './cleanup-error';

/** The Swarm service that a container is a task of. */
export interface ServiceRef {
  readonly id: string;
  readonly name: string;
}

/** What to do about a container's service before removing the container. */
export type ServiceStep =
  /** The service no longer exists or there is no swarm: nothing recreates the container. */
  | { readonly type: 'none' }
  | { readonly type: 'remove-service' }
  /** `isFinal`: retrying does not help. */
  | { readonly type: 'leave'; readonly reason: string; readonly isFinal: boolean };

type Labels = Readonly<Record<string, string>>;

/**
 * Returns the service of a container with `labels`.
 */
export function serviceOf(labels: Labels): ServiceRef | undefined {
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

/** Decides what to do about the service of a container with `labels`, without changing anything. */
export async function inspectServiceOf(
  engine: Engine,
  labels: Labels,
  matchesTarget: (labels: Labels) => boolean,
): Promise<ServiceStep> {
  const service = serviceOf(labels);
  if (service === undefined) return { type: 'none' };
  return decideService(service, await inspectService(engine, service.id), matchesTarget);
}

/**
 * Removes the service of a container with `labels` if it may be removed.
 *
 * Resolves to the reason to keep the container, or to `undefined` when nothing recreates it. Never rejects.
 */
export async function removeServiceOf(
  engine: Engine,
  labels: Labels,
  matchesTarget: (labels: Labels) => boolean,
): Promise<Extract<ServiceStep, { type: 'leave' }> | undefined> {
  const step = await inspectServiceOf(engine, labels, matchesTarget);
  if (step.type === 'leave') return step;
  const service = serviceOf(labels);
  if (step.type === 'none' || service === undefined) return undefined;
  const removed = await removeService(engine, service.id);
  if (removed.meaning === 'done' || removed.meaning === 'gone') return undefined;
  return {
    type: 'leave',
    reason: `belongs to service ${service.name}, which could not be removed: ${messageOf(removed.error)}`,
    isFinal: removed.meaning === 'refused',
  };
}

/**
 * Like {@link removeServiceOf}.
 *
 * @throws CleanupError when the container must be kept.
 */
export async function clearServiceOf(
  engine: Engine,
  { kind, id, name, labels }: ListedTarget,
  matchesTarget: (labels: Labels) => boolean,
): Promise<void> {
  const left = await removeServiceOf(engine, labels, matchesTarget);
  if (left === undefined) return;
  const evidence = { kind, id, title: name, attempts: 0, durationMs: 0, engineWords: left.reason };
  throw new CleanupError(evidence, 'docker service rm removes it with its containers', undefined);
}

/**
 * Decides which containers of a Swarm service to try: the first one, and the others only after the service is
 * removed. They are removed with the service, or kept for the same reason.
 */
export class ServiceTurns {
  readonly #states = new Map<string, 'tried' | 'gone' | 'left'>();

  /** Whether to try a container with `labels` now. */
  take(labels: Labels): boolean {
    const service = serviceOf(labels);
    if (service === undefined) return true;
    const state = this.#states.get(service.id);
    if (state === undefined) this.#states.set(service.id, 'tried');
    return state === undefined || state === 'gone';
  }

  /** Records the outcome for the service of a container with `labels`. */
  settle(labels: Labels, state: 'gone' | 'left'): void {
    const service = serviceOf(labels);
    if (service !== undefined) this.#states.set(service.id, state);
  }

  isLeft(labels: Labels): boolean {
    const service = serviceOf(labels);
    return service !== undefined && this.#states.get(service.id) === 'left';
  }
}
