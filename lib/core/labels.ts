import { randomBytes } from 'node:crypto';
import { labelValue } from './label-value';

/** The labels on every resource created through castoff. Other programs rely on these names. */
export const labelNames = {
  session: 'castoff.session',
  scope: 'castoff.scope',
  /** Identifies one start, to find the resources of a start that failed. */
  start: 'castoff.start',
  test: 'castoff.test',
  source: 'castoff.source',
  created: 'castoff.created',
  host: 'castoff.host',
  /** Distinguishes two machines with the same host name. */
  machine: 'castoff.machine',
  boot: 'castoff.boot',
  pid: 'castoff.pid',
  pidStart: 'castoff.pid-start',
  /** The namespace of the pid: containers share their host's kernel and boot id, but not its pids. */
  pidNamespace: 'castoff.pid-ns',
  /** `<container id>@<engine id>`: the container that the owner ran in, on the same engine. */
  container: 'castoff.container',
  run: 'castoff.run',
  /** The worker that owns the resource; absent when the whole run owns it. */
  worker: 'castoff.worker',
  /**
   * The kind of the created resource: an image inherits the labels of its container, with the kind
   * `container`.
   */
  kind: 'castoff.kind',
  /** Random, one per creation: shows which resources inherited their labels. */
  nonce: 'castoff.nonce',
  /** `true` on castoff's own reaper. */
  reaper: 'castoff.reaper',
  /** On a marker: `<kind>:<id>` of a resource that the marker's session adopted from another session. */
  adopts: 'castoff.adopts',
} as const;

/** Label on every resource of a Compose project. @see docker compose, `com.docker.compose.project` */
export const composeProjectLabel = 'com.docker.compose.project';

/**
 * Label with a Compose project's folder, on its containers.
 *
 * @see docker compose, and docker-compose since 1.25
 */
export const projectFolderLabel = 'com.docker.compose.project.working_dir';

/** The process that owns a resource, identified well enough to prove that it has ended. */
export interface Owner {
  readonly host: string;
  /** A hash that identifies the machine, where available; needed to prove that it has rebooted. */
  readonly machine?: string | undefined;
  /** The kernel's boot id, on platforms that have one. */
  readonly boot?: string | undefined;
  readonly pid: number;
  /** The start time of the process, in the platform's own format; detects a reused pid. */
  readonly pidStart?: string | undefined;
  /** The pid namespace of `pid`, where known. */
  readonly pidNamespace?: string | undefined;
  /** The container that the process runs in, and its engine: `<container id>@<engine id>`. */
  readonly container?: string | undefined;
  /** The id of the CI run. */
  readonly run?: string | undefined;
}

/** The owner of a resource, and where in the owner's code it was created. */
export interface Ownership {
  readonly session: string;
  readonly owner: Owner;
  readonly scope?: string | undefined;
  readonly start?: string | undefined;
  readonly test?: string | undefined;
  readonly source?: string | undefined;
  readonly worker?: string | undefined;
  readonly createdAt: Date;
}

/** Label that Testcontainers clients use to discover a running Ryuk. */
export const ryukLabel = 'org.testcontainers.ryuk';

/** Returns whether the labels are those of a reaper, castoff's or a Ryuk, which is never reaped by label. */
export function isReaper(labels: Readonly<Record<string, string>>): boolean {
  return labels[labelNames.reaper] === 'true' || labels[ryukLabel] === 'true';
}

/** Converts `ownership` to labels, without those whose value is unknown. */
export function ownershipLabels(ownership: Ownership): Record<string, string> {
  const { owner } = ownership;
  const values: readonly (readonly [string, string | undefined])[] = [
    [labelNames.session, ownership.session],
    [labelNames.scope, textValue(ownership.scope)],
    [labelNames.start, ownership.start],
    [labelNames.test, textValue(ownership.test)],
    [labelNames.source, textValue(ownership.source)],
    [labelNames.created, ownership.createdAt.toISOString()],
    [labelNames.host, owner.host],
    [labelNames.machine, owner.machine],
    [labelNames.boot, owner.boot],
    [labelNames.pid, String(owner.pid)],
    [labelNames.pidStart, owner.pidStart],
    [labelNames.pidNamespace, owner.pidNamespace],
    [labelNames.container, owner.container],
    [labelNames.run, owner.run],
    [labelNames.worker, ownership.worker],
  ];
  return Object.fromEntries(
    values.filter((value): value is readonly [string, string] => value[1] !== undefined),
  );
}

function textValue(text: string | undefined): string | undefined {
  return text === undefined ? undefined : labelValue(text);
}

/** Returns the labels of one creation, in addition to those of its owner. */
export function creationLabels(kind: 'container' | 'network' | 'volume' | 'image'): Record<string, string> {
  return { [labelNames.kind]: kind, [labelNames.nonce]: randomBytes(8).toString('hex') };
}

/** Reads the owner from `labels`. Returns `undefined` when host or pid is missing or invalid. */
export function ownerFromLabels(labels: Readonly<Record<string, string>>): Owner | undefined {
  const host = labels[labelNames.host];
  const pid = Number(labels[labelNames.pid]);
  if (host === undefined || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return {
    host,
    pid,
    machine: labels[labelNames.machine],
    boot: labels[labelNames.boot],
    pidStart: labels[labelNames.pidStart],
    pidNamespace: labels[labelNames.pidNamespace],
    container: labels[labelNames.container],
    run: labels[labelNames.run],
  };
}
