import type { Duplex } from 'node:stream';
import type { RelayedCreation } from './creation';
import type { EngineAccount } from './engine-time';
import type { CreationPlan, ResultListener } from './exchange';
import type { RemovalRequest } from './removal-request';

/** What a relayed connection needs from its relay. */
export interface RelayServices {
  /** Opens one raw connection to the engine. */
  readonly connect: () => Promise<Duplex>;
  /**
   * Called before a request is forwarded, and awaited. Must not reject. Resolves to a listener for its result, if
   * any. Default: nothing is called.
   */
  readonly onRequest?: ((method: string, path: string) => Promise<ResultListener | undefined>) | undefined;
  /**
   * Decides about a creation before it is forwarded. Resolves to `undefined` to forward it unchanged. When it
   * rejects, the client gets 500 with the message, and nothing is forwarded.
   */
  readonly onCreation: (creation: RelayedCreation) => Promise<CreationPlan | undefined>;
  /**
   * Resolves to the reason why a request is refused with 403; `undefined` forwards it. When it rejects, the client
   * gets 500. Default: all are forwarded.
   */
  readonly refusal?: ((request: RemovalRequest) => Promise<string | undefined>) | undefined;
  /** `<name>=<value>`: a prune that is forwarded removes only resources with this label. Default: any. */
  readonly pruneLabel?: string | undefined;
  readonly onError: (what: string, error: unknown) => void;
  readonly account: EngineAccount;
}
