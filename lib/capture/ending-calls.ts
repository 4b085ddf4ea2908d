import type { ClientRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { withTimeout } from '../core/timeout';
import type { RequestMeaning } from './request-meaning';

type EndingMeaning = Extract<RequestMeaning, { type: 'stop' | 'kill' | 'remove' }>;

/** A request or command of user code that stops, kills or removes a container. */
export interface EndingCall {
  readonly verb: EndingMeaning['type'];
  /** The container's id or name, as the request spells it. */
  readonly ref: string;
  /** Where the code asked for it: `file:line`. */
  readonly source: string | undefined;
}

type Ending = EndingCall & { readonly graceMs?: number | undefined };

interface Tracked extends EndingCall {
  /** When waiting for its answer ends. */
  readonly givenUpAtMs: number;
  readonly closed: Promise<unknown>;
  closedAtMs?: number;
}

/** A container as the ref of a request may name it. */
export interface RefTarget {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
}

/** The engine's own, for a stop that names none. @see Engine API, ContainerStop */
const defaultGraceMs = 10_000;
const answerMs = 5_000;
const maxWaitMs = 30_000;
/** `stop()` of testcontainers stops, and then removes: the second request follows the first answer within a few turns of the event loop. */
const followUpMs = 100;

/** The requests of user code that end containers: castoff waits for them, because a removal of its own would make them fail. */
export class EndingCalls {
  #calls: Tracked[] = [];

  see(request: ClientRequest, { type: verb, ...meaning }: EndingMeaning, source: string | undefined): void {
    const closing = Promise.withResolvers<void>();
    request.once('close', () => closing.resolve());
    this.follow({ ...meaning, verb, source }, closing.promise);
  }

  /** @param closed - Resolves when the call has been answered, or given up. */
  follow(ending: Ending, closed: Promise<unknown>): void {
    const nowMs = performance.now();
    const givenUpAtMs = nowMs + Math.min(maxWaitMs, graceOf(ending) + answerMs);
    const call: Tracked = { ...ending, givenUpAtMs, closed };
    void closed.then(() => (call.closedAtMs = performance.now()));
    this.#calls = [...this.#calls.filter((one) => !isOver(one, nowMs)), call];
  }

  /** The calls for `target` that have no answer yet. */
  underWay(target: RefTarget): readonly EndingCall[] {
    return this.#calls.filter((call) => call.closedAtMs === undefined && isFor(call, target));
  }

  /** Resolves when no call for `target` (default: for any container) is under way or about to follow; after 30 s at most. */
  async settle(target?: RefTarget): Promise<void> {
    for (;;) {
      const nowMs = performance.now();
      const next = this.#calls.find(
        (call) => (target === undefined || isFor(call, target)) && leftMsOf(call, nowMs) > 0,
      );
      if (next === undefined) return;
      const leftMs = leftMsOf(next, nowMs);
      if (next.closedAtMs === undefined) await closedWithin(next.closed, leftMs);
      else await delay(leftMs);
    }
  }
}

async function closedWithin(closed: Promise<unknown>, timeoutMs: number): Promise<void> {
  // A DeadlineError, or nothing.
  await Promise.allSettled([withTimeout(closed, { what: 'wait for a request of the code', timeoutMs })]);
}

function leftMsOf(call: Tracked, nowMs: number): number {
  if (call.closedAtMs === undefined) return call.givenUpAtMs - nowMs;
  return call.verb === 'remove' ? 0 : call.closedAtMs + followUpMs - nowMs;
}

function isOver(call: Tracked, nowMs: number): boolean {
  return call.closedAtMs !== undefined && leftMsOf(call, nowMs) <= 0;
}

function graceOf({ verb, graceMs = defaultGraceMs }: Ending): number {
  return verb === 'stop' ? graceMs : 0;
}

function isFor({ ref }: EndingCall, { id = '', name }: RefTarget): boolean {
  const plain = ref.replace(/^\//, '');
  return plain === name || plain === id || (/^[0-9a-f]{12,}$/.test(plain) && id.startsWith(plain));
}
