import { randomBytes } from 'node:crypto';
import { labelValue } from './label-value';

/** The labels on everything that is created through castoff. Other programs are written against these names. */
export const labelNames = {
  session: 'castoff.session',
  scope: 'castoff.scope',
  /** One start: finds what a start that failed half way has made. */
  start: 'castoff.start',
  test: 'castoff.test',
  source: 'castoff.source',
  created: 'castoff.created',
  host: 'castoff.host',
  /** Tells two machines of one name apart. */
  machine: 'castoff.machine',
  boot: 'castoff.boot',
  pid: 'castoff.pid',
  pidStart: 'castoff.pid-start',
  /** Where the pid counts: containers share their host's kernel and boot, not its pids. */
  pidNamespace: 'castoff.pid-ns',
  /** `<container id>@<engine id>`: the container that the owner ran in, where it was one of the same engine's. */
  container: 'castoff.container',
  run: 'castoff.run',
  /** The worker of a run that it belongs to; what belongs to the whole run has none. */
  worker: 'castoff.worker',
  /** The kind of the created resource: an image of a labelled container inherits the label, and is no container. */
  kind: 'castoff.kind',
  /** Random, one per creation: a resource that inherits it from an image is not the created one. */
  nonce: 'castoff.nonce',
  /** `true` on a reaper of ours. */
  reaper: 'castoff.reaper',
  /** On a marker: `<kind>:<id>` of the resource of another session that its own session has adopted. */
  adopts: 'castoff.adopts',
} as const;

/** Compose puts this on all that belongs to a project. @see docker compose, `com.docker.compose.project` */
export const composeProjectLabel = 'com.docker.compose.project';

/** Compose writes the folder of its project on containers. @see docker compose, and version 1 of docker-compose since 1.25 */
export const projectFolderLabel = 'com.docker.compose.project.working_dir';

/** The process that owns something, told apart from any other that ever ran: what proof of its death rests on. */
export interface Owner {
  readonly host: string;
  /** A hash of what makes the machine this one, where that can be told; proof that it was booted again needs it. */
  readonly machine?: string | undefined;
  /** The kernel's boot id, where the platform has one. */
  readonly boot?: string | undefined;
  readonly pid: number;
  /** When the process started, in the platform's own words; tells a reused pid from the first one. */
  readonly pidStart?: string | undefined;
  /** The pid namespace in which `pid` counts, where that is known. */
  readonly pidNamespace?: string | undefined;
  /** The container that it runs in and the engine that was seen to run that: `<container id>@<engine id>`. */
  readonly container?: string | undefined;
  /** The CI run, where there is one. */
  readonly run?: string | undefined;
}

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

/** By this Testcontainers' clients find a Ryuk. */
export const ryukLabel = 'org.testcontainers.ryuk';

/** Whether that is a reaper, ours or a Ryuk: it reaps others, and is never reaped by a label. */
export function isReaper(labels: Readonly<Record<string, string>>): boolean {
  return labels[labelNames.reaper] === 'true' || labels[ryukLabel] === 'true';
}

/** What `ownership` says, as labels; what is not known has no label. */
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

/** The labels that one creation adds to those of its owner. */
export function creationLabels(kind: 'container' | 'network' | 'volume' | 'image'): Record<string, string> {
  return { [labelNames.kind]: kind, [labelNames.nonce]: randomBytes(8).toString('hex') };
}

/** The owner that `labels` name, or `undefined` where they name none. */
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
