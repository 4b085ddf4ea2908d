import type { Transport } from '../engine/endpoint';
import type { HostProbe } from '../lease/probe-host';
import type { ReaperAddress } from '../lease/reaper-address';
import type { ReaperChoice } from '../lease/reaper-choice';
import type { OwnerProof } from '../processes/owner-proof';

/** A value that was read, or why it could not be. */
export type Reading<T> = { readonly value: T } | { readonly error: string };

/** Everything that `castoff doctor` reads before it judges. */
export interface DoctorFacts {
  /** Without a leading `v`. */
  readonly nodeVersion: string;
  /** Packages that code in the current folder would load. */
  readonly packages: readonly FoundPackage[];
  readonly variables: readonly SetVariable[];
  /** The folder for journals and sockets. */
  readonly folder: Reading<string>;
  readonly reaper: Reading<ReaperChoice | ReaperAddress>;
  /** Whether the reaper whose address is chosen accepts leases; `undefined` for other choices. */
  readonly reaperAtAddress?: Reading<string> | undefined;
  /** The container that this process runs in. */
  readonly ownContainer: string | undefined;
  readonly engine: Reading<EngineReadings>;
}

/** An installed package, and its version. */
export interface FoundPackage {
  readonly name: string;
  /** `undefined` when it is not installed. */
  readonly version: string | undefined;
}

/** A variable that is set. */
export interface SetVariable {
  readonly name: string;
  /** Without secrets. */
  readonly shown: string;
  /** Whether castoff, or its reaper, has a variable of this name. */
  readonly isKnown: boolean;
}

/** What was read of one engine. */
export interface EngineReadings {
  readonly address: string;
  /** The setting that named it: `DOCKER_HOST`. */
  readonly from: string;
  readonly transport: Transport;
  readonly version: Reading<{
    readonly product: 'Docker' | 'Podman';
    readonly version: string;
    readonly apiVersion: string;
    /** `overlay2`; `overlayfs (containerd)`. */
    readonly store: string;
  }>;
  readonly clock: Reading<{
    /** How far the engine's clock is ahead of this machine's; negative when it is behind. */
    readonly aheadMs: number;
    /** How exact that is: half the time of the request. */
    readonly toleranceMs: number;
  }>;
  /** Of a local socket. */
  readonly socket?: Reading<SocketFacts> | undefined;
  readonly hasReaperImage: Reading<boolean>;
  /** The paths on the engine's host of which the reaper's container mounts one. */
  readonly socketPaths: Reading<readonly string[]>;
  readonly hostReaper: Reading<HostProbe['type']>;
  readonly sessions: Reading<readonly SessionFacts[]>;
}

/** Who may use a socket. */
export interface SocketFacts {
  readonly path: string;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A session with resources on the engine. */
export interface SessionFacts extends Pick<OwnerProof, 'state'> {
  readonly session: string;
  readonly resources: number;
}
