import type { BoundedLabels } from '../../core/bounds';
import type { Owner } from '../../core/labels';

/** A request of castoff's protocol: one JSON object per line. Every request gets one response, in order. */
export type Request = { readonly id: number } & (
  | {
      readonly type: 'hello';
      readonly protocol: typeof protocolVersion;
      /** Version of the client's castoff. */
      readonly version: string;
      readonly session: string;
      readonly owner: Owner;
      /** Required by some servers. */
      readonly token?: string | undefined;
    }
  /** The identities in `bounds` are digests. */
  | ({ readonly type: 'claim' } & BoundedLabels)
  /** Gives up a claim: its resources are kept. */
  | ({ readonly type: 'release' } & BoundedLabels)
  /** Ends the lease: its remaining claims are reaped after `keepMs`, in milliseconds. Default: at once. */
  | { readonly type: 'bye'; readonly keepMs?: number | undefined }
  /** `token`: as in a hello. */
  | { readonly type: 'ping'; readonly token?: string | undefined }
);

/**
 * 2: claims may have bounds, which a reaper of version 1 would ignore. 3: a bye may have `keepMs`, which a
 * reaper of version 2 would ignore.
 */
export const protocolVersion = 3;

/** Longest line that either side accepts, without its line end. */
export const maxLineBytes = 65_536;
