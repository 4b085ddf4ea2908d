import { matching, type Asked } from './fault-pattern';
import type { Fault } from './fault-rules';

/** One call that reached the proxy, as far as it has got. */
export interface Call extends Asked {
  /** Milliseconds since the proxy was opened. */
  readonly atMs: number;
  readonly fault?: Fault;
  /** The status of the engine's answer, or of the one given in its name; lost answers have one too. */
  readonly status?: number;
  /** Unset while it runs. `faulted`: the proxy closed the connection. */
  readonly ended?: 'answered' | 'faulted' | 'client-left' | 'engine-left';
}

type Waiter = { readonly tell: (call: Call) => void; readonly fail: (reason: Error) => void };

/** What was asked of one proxy, in order of arrival. */
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

  /** The record stays the same object, so that whoever holds it sees how the call went on. */
  change(call: Call, news: Partial<Call>): void {
    if (call.ended) return;
    Object.assign(call, news);
    this.#tell(call);
  }

  /** Resolves to the first call for which `which` holds, among those that came already and those still to come. */
  until(which: string | ((call: Call) => boolean), atMostMs: number): Promise<Call> {
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

/** A line for each call, to print beside a seed that failed. */
export function printCalls(calls: readonly Call[]): string {
  return calls
    .map(({ atMs, method, path, status, fault, ended }) => {
      const parts = [`${atMs} ms`, method, path, fault && JSON.stringify(fault), status, ended ?? 'running'];
      return `  ${parts.filter((part) => part !== undefined).join(' ')}`;
    })
    .join('\n');
}
