import type { ClientRequest } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { withTimeout } from '../core/timeout';
import { timeouts } from '../core/timeouts';
import type { RegistryEntry } from '../registry/entry';
import type { RequestMeaning } from './request-meaning';

type TeardownRequest = Extract<RequestMeaning, { type: 'stop' | 'kill' | 'remove' }>;

/** A request or command of user code that stops, kills or removes a container. */
export interface TeardownCall {
  readonly verb: TeardownRequest['type'];
  /** The container's id or name, as spelled in the request. */
  readonly ref: string;
  /** The user's line that made the call: `file:line`. */
  readonly source: string | undefined;
}

type NewCall = TeardownCall & { readonly graceMs?: number | undefined };

interface TrackedCall extends TeardownCall {
  /** When to stop waiting for its response. */
  readonly expiresAtMs: number;
  readonly closed: Promise<unknown>;
  closedAtMs?: number;
}

type RefTarget = Pick<RegistryEntry, 'id' | 'name'>;

const responseMs = 5_000;
const maxWaitMs = 30_000;
/** testcontainers' `stop()` sends a stop, and a few turns of the event loop after its response a remove. */
const followUpMs = 100;

/** Tracks calls of user code that end containers: a removal by castoff meanwhile would make them fail. */
export class TeardownCalls {
  #calls: TrackedCall[] = [];

  /** Tracks a request until it closes. */
  trackRequest(
    request: ClientRequest,
    { type: verb, ...meaning }: TeardownRequest,
    source: string | undefined,
  ): void {
    const closing = Promise.withResolvers<void>();
    request.once('close', () => closing.resolve());
    this.track({ ...meaning, verb, source }, closing.promise);
  }

  /** Tracks a call until `closed` resolves: it got its response or was aborted. */
  track(newCall: NewCall, closed: Promise<unknown>): void {
    const nowMs = performance.now();
    const expiresAtMs = nowMs + Math.min(maxWaitMs, graceOf(newCall) + responseMs);
    const call: TrackedCall = { ...newCall, expiresAtMs, closed };
    void closed.then(() => (call.closedAtMs = performance.now()));
    this.#calls = [...this.#calls.filter((one) => !isOver(one, nowMs)), call];
  }

  /** Returns the calls for `target` that have no response yet. */
  pendingFor(target: RefTarget): readonly TeardownCall[] {
    return this.#calls.filter((call) => call.closedAtMs === undefined && isFor(call, target));
  }

  /** Resolves when no call for `target` (default: any) is pending or about to follow; after 30 s at most. */
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
  // Can only reject with a DeadlineError.
  await Promise.allSettled([withTimeout(closed, { what: 'wait for a request of user code', timeoutMs })]);
}

function leftMsOf(call: TrackedCall, nowMs: number): number {
  if (call.closedAtMs === undefined) return call.expiresAtMs - nowMs;
  return call.verb === 'remove' ? 0 : call.closedAtMs + followUpMs - nowMs;
}

function isOver(call: TrackedCall, nowMs: number): boolean {
  return call.closedAtMs !== undefined && leftMsOf(call, nowMs) <= 0;
}

function graceOf({ verb, graceMs = timeouts.stopGraceMs }: NewCall): number {
  return verb === 'stop' ? graceMs : 0;
}

function isFor({ ref }: TeardownCall, { id = '', name }: RefTarget): boolean {
  const plain = ref.replace(/^\//, '');
  return plain === name || plain === id || (/^[0-9a-f]{12,}$/.test(plain) && id.startsWith(plain));
}
