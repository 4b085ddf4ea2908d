import { matching, type Asked } from './fault-pattern';
import type { Fault } from './fault-rules';

/** A call that reached the proxy, and its progress. */
export interface Call extends Asked {
  /** Milliseconds since the proxy was opened. */
  readonly atMs: number;
  readonly fault?: Fault;
  /** The status of the response, from the engine or the proxy; lost responses have one, too. */
  readonly status?: number;
  /** Unset while in progress. `faulted`: the proxy closed the connection. */
  readonly ended?: 'answered' | 'faulted' | 'client-left' | 'engine-left';
}

type Waiter = { readonly tell: (call: Call) => void; readonly fail: (reason: Error) => void };

/** The calls to one proxy, in order of arrival. */
export class CallLog {
  readonly calls: Call[] = [];
  readonly #openedAtMs = performance.now();
  readonly #waiters = new Set<Waiter>();

  begin(asked: Asked, fault: Fault | undefined): Call {
    const atMs = Math.round(performance.now() - this.#openedAtMs);
    const call: Call = { method: asked.method, path: asked.path, atMs, ...(fault && { fault }) };
    this.calls.push(call);
    this.#tell(call);
    return call;
  }

  /** Updates the record in place, so that its holders see the progress. */
  change(call: Call, news: Partial<Call>): void {
    if (call.ended) return;
    Object.assign(call, news);
    this.#tell(call);
  }

  /** Resolves to the first call, past or future, for which `which` holds. */
  until(which: string | ((call: Call) => boolean), atMostMs = 20_000): Promise<Call> {
    const wanted = typeof which === 'string' ? which : which.toString();
    const holds = typeof which === 'function' ? which : matching(which);
    const past = this.calls.find(holds);
    if (past) return Promise.resolve(past);
    const { promise, resolve, reject } = Promise.withResolvers<Call>();
    const waiter: Waiter = { tell: (call) => holds(call) && resolve(call), fail: reject };
    const timer = setTimeout(
      () =>
        reject(
          new Error(`no call like ${wanted} within ${atMostMs} ms, of these:\n${printCalls(this.calls)}`),
        ),
      atMostMs,
    );
    this.#waiters.add(waiter);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    });
  }

  close(): void {
    for (const waiter of this.#waiters) waiter.fail(new Error('the proxy was closed'));
  }

  #tell(call: Call): void {
    for (const waiter of this.#waiters) waiter.tell(call);
  }
}

/** Formats a line for each call, to print with a failed seed. */
export function printCalls(calls: readonly Call[]): string {
  return calls
    .map(({ atMs, method, path, status, fault, ended }) => {
      const parts = [`${atMs} ms`, method, path, fault && JSON.stringify(fault), status, ended ?? 'running'];
      return `  ${parts.filter((part) => part !== undefined).join(' ')}`;
    })
    .join('\n');
}
