import type { AuditEntry } from './audit';
import type { Claim } from '../leases/claim';
import type { ReapReport } from './reap-report';

/** Everything that happens in a reaper, told as it happens: for logs, figures and specs. */
export type ReaperEvent =
  /** From now on somebody who comes `where` is served. */
  | { readonly type: 'listening'; readonly where: string }
  | { readonly type: 'connection-opened'; readonly from: string; readonly connections: number }
  | { readonly type: 'connection-closed'; readonly from: string; readonly connections: number }
  | { readonly type: 'connection-refused'; readonly from: string; readonly reason: string }
  | { readonly type: 'line-refused'; readonly from: string; readonly reason: string }
  | { readonly type: 'lease-opened'; readonly lease: string; readonly holder: string }
  /** `isClean`: with a bye. */
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
  /** What became of one thing. */
  | { readonly type: 'audited'; readonly entry: AuditEntry }
  /** No new clients from now on; those that are there are waited for. */
  | { readonly type: 'draining'; readonly why: string; readonly leases: number }
  /** Whatever else somebody who reads the log should know. */
  | { readonly type: 'noted'; readonly text: string };

export type ReapOutcome =
  | { readonly type: 'reaped'; readonly report: ReapReport }
  /** Somebody claimed again what was being reaped, or another reaper sees to it. */
  | { readonly type: 'stopped'; readonly report?: ReapReport | undefined }
  | { readonly type: 'failed'; readonly reason: string };

export type Observer = (event: ReaperEvent) => void;
