import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CallLog, type Call } from './fault-calls';
import { Relay } from './fault-proxy-relay';
import { FaultRules, type Fault, type InjectedRule, type Rule } from './fault-rules';
import { decideBySeed, seedCalls, type SeedOptions } from './fault-seed';

export interface FaultProxyOptions {
  /** The engine's unix socket. Default `/var/run/docker.sock`. */
  readonly upstream?: string | undefined;
}

/** A unix socket in front of a real engine that makes calls fail on request. */
export interface FaultProxy extends AsyncDisposable {
  /** As in DOCKER_HOST: `unix:///tmp/…/engine.sock`. */
  readonly address: string;
  readonly socketPath: string;
  /** The engine's own socket, to check its state and to act without the client's knowledge. */
  readonly upstream: string;
  /** The calls, in order; each record is updated until `ended` is set. */
  readonly calls: readonly Call[];
  /** Disturbs matching calls. Rules are tried in the order in which they were injected. */
  inject(rule: Rule): InjectedRule;
  /** Removes every rule. For `afterEach`, where one proxy serves all specs of a file. */
  removeRules(): void;
  /** Holds the next matching calls back from the engine until they are released. @param times - How many of them. Default 1. */
  hold(on: string, times?: number): HeldCalls;
  /**
   * Disturbs calls at random, the same ones for the same seed: the fault depends on the seed and on the
   * number of matching calls before. Concurrent calls are numbered as they arrive.
   */
  seed(seed: number, options: SeedOptions): InjectedRule;
  /**
   * Resolves to the first matching call, past or future; `which` runs again whenever a record changes. Rejects after `atMostMs`,
   * 20 s by default.
   */
  until(which: string | ((call: Call) => boolean), atMostMs?: number): Promise<Call>;
  /** Resets open connections, including those of swallowed calls, and removes the socket. */
  close(): Promise<void>;
}

/** Calls that wait in the proxy. */
export interface HeldCalls {
  /** Resolves when the first of them has arrived. */
  arrived(): Promise<Call>;
  /** Passes those that have arrived on to the engine, and holds no more. */
  release(): void;
}

/** Opens a proxy on a new socket. It passes every byte unchanged until a fault is injected. */
export async function openFaultProxy(options: FaultProxyOptions = {}): Promise<FaultProxy> {
  const { upstream = '/var/run/docker.sock' } = options;
  const rules = new FaultRules();
  const log = new CallLog();
  const relays = new Set<Relay>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const relay = new Relay(client, { upstream, rules, log });
    relays.add(relay);
    client.on('close', () => relays.delete(relay));
  });
  const folder = await mkdtemp(join(tmpdir(), 'castoff-fault-proxy-'));
  const socketPath = join(folder, 'engine.sock');
  server.listen(socketPath);
  await once(server, 'listening');

  const closeNow = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    for (const relay of relays) relay.reset();
    log.close();
    await closed;
    await rm(folder, { recursive: true, force: true });
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeNow());

  return {
    address: `unix://${socketPath}`,
    socketPath,
    upstream,
    calls: log.calls,
    inject: (rule) => rules.add(rule),
    removeRules: () => rules.clear(),
    hold(on, times = 1) {
      const released = Promise.withResolvers<void>();
      const fault: Fault = { type: 'hold', until: released.promise };
      const rule = rules.add({ on, fault, times });
      return {
        arrived: () => log.until((call) => call.fault === fault),
        release() {
          rule.remove();
          released.resolve();
        },
      };
    },
    seed: (seed, seedOptions) =>
      rules.add({
        on: seedOptions.on ?? seedCalls,
        fault: (_asked, nth) => decideBySeed(seed, nth, seedOptions),
        times: Infinity,
      }),
    until: (which, atMostMs) => log.until(which, atMostMs),
    close,
    [Symbol.asyncDispose]: close,
  };
}
