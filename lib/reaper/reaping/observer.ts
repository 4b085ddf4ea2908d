import type { AuditEntry } from './audit';
import type { Claim } from '../leases/claim';
import type { ReapReport } from './reap-report';

/** An event in a reaper: for logs, metrics and specs. */
export type ReaperEvent =
  /** Clients can connect at `where`. */
  | { readonly type: 'listening'; readonly where: string }
  | { readonly type: 'connection-opened'; readonly from: string; readonly connections: number }
  | { readonly type: 'connection-closed'; readonly from: string; readonly connections: number }
  | { readonly type: 'connection-refused'; readonly from: string; readonly reason: string }
  | { readonly type: 'line-refused'; readonly from: string; readonly reason: string }
  | { readonly type: 'lease-opened'; readonly lease: string; readonly holder: string }
  /** `isClean`: the client sent `bye`. */
  | {
      readonly type: 'lease-closed';
      readonly lease: string;
      readonly holder: string;
      readonly isClean: boolean;
    }
  | { readonly type: 'claimed'; readonly lease: string; readonly holder: string; readonly claim: Claim }
  | { readonly type: 'released'; readonly lease: string; readonly holder: string; readonly claim: Claim }
  | { readonly type: 'reap-began'; readonly run: number; readonly claim: Claim; readonly lastHolder: string }
  | {
      readonly type: 'reap-ended';
      readonly run: number;
      readonly claim: Claim;
      readonly lastHolder: string;
      readonly outcome: ReapOutcome;
    }
  /** The outcome for one resource. */
  | { readonly type: 'audited'; readonly entry: AuditEntry }
  /** No new clients are accepted; connected ones may finish. */
  | { readonly type: 'draining'; readonly why: string; readonly leases: number }
  /** A message for the log. */
  | { readonly type: 'noted'; readonly text: string };

/** How a reaping ended. */
export type ReapOutcome =
  | { readonly type: 'reaped'; readonly report: ReapReport }
  /** The claim was held again, or left to another reaper. */
  | { readonly type: 'stopped'; readonly report?: ReapReport | undefined }
  | { readonly type: 'failed'; readonly reason: string };

/** Receives every event, synchronously. */
export type Observer = (event: ReaperEvent) => void;
