import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CallLog, type Call } from './fault-calls';
import { Relay } from './fault-proxy-relay';
import { FaultRules, type InjectedRule, type Rule } from './fault-rules';
import { decideBySeed, seedCalls, type SeedOptions } from './fault-seed';

export interface FaultProxyOptions {
  /** The engine's unix socket. Default `/var/run/docker.sock`. */
  readonly upstream?: string | undefined;
}

/** A unix socket in front of a real engine, on which calls fail as they are told to. */
export interface FaultProxy extends AsyncDisposable {
  /** As in DOCKER_HOST: `unix:///tmp/…/engine.sock`. */
  readonly address: string;
  readonly socketPath: string;
  /** The engine's own socket, to see what is true and to act behind the client's back. */
  readonly upstream: string;
  /** What was asked, in order; a record goes on changing until it says how the call `ended`. */
  readonly calls: readonly Call[];
  /** Disturbs the calls that match. Rules are tried in the order in which they were injected. */
  inject(rule: Rule): InjectedRule;
  /**
   * Disturbs calls at random, and the same ones for the same seed: what happens to a call depends on the seed and on how
   * many calls that match came before it. Calls made at once are numbered as they arrive.
   */
  seed(seed: number, options: SeedOptions): InjectedRule;
  /** Resolves to the first call that matches, past or to come; `which` sees a call again when its record changes. */
  until(which: string | ((call: Call) => boolean), atMostMs: number): Promise<Call>;
  /** Resets what is still open, swallowed calls too, and removes the socket. */
  close(): Promise<void>;
}

/** Opens a proxy on a fresh socket. Until a fault is injected every byte passes untouched. */
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
