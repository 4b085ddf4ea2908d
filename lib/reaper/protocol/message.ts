import type { BoundedLabels } from '../../core/bounds';
import type { Owner } from '../../core/labels';

/** What a client of castoff sends: one JSON object a line, each answered once and in order. */
export type Request = { readonly id: number } & (
  | {
      readonly type: 'hello';
      readonly protocol: typeof protocolVersion;
      /** Of the castoff that speaks. */
      readonly version: string;
      readonly session: string;
      readonly owner: Owner;
      /** Where the server demands one. */
      readonly token?: string | undefined;
    }
  /** The identities in its bounds are digests. */
  | ({ readonly type: 'claim' } & BoundedLabels)
  /** Gives up a claim: what it covers is kept. */
  | ({ readonly type: 'release' } & BoundedLabels)
  /** Ends the lease: what is left of its claims is reaped at once, without the grace. */
  | { readonly type: 'bye' }
  | { readonly type: 'ping' }
);

/** The answer to the request of that `id`; 0 where the line had none. */
export type Reply = { readonly id: number } & (
  | {
      readonly ok: true;
      /** Of the castoff that answers: in the answer to hello. */
      readonly version?: string | undefined;
    }
  | { readonly ok: false; readonly reason: string }
);

/** 2: a claim may have bounds; a reaper of version 1 would reap what lies beyond them. */
export const protocolVersion = 2;

/** The longest line, in bytes without its end, that either side takes. */
export const longestLineBytes = 65_536;
