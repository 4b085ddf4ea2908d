import { randomHex } from './random-hex';
import { labelValue } from './label-value';

/** The labels of a resource: values by name. */
export type Labels = Readonly<Record<string, string>>;

const prefix = 'castoff';

/** The labels on every resource created through castoff. Other programs rely on these names. */
export const labelNames = {
  session: `${prefix}.session`,
  scope: `${prefix}.scope`,
  /** Identifies one start, to find the resources of a start that failed. */
  start: `${prefix}.start`,
  test: `${prefix}.test`,
  source: `${prefix}.source`,
  created: `${prefix}.created`,
  host: `${prefix}.host`,
  /** Distinguishes two machines with the same host name. */
  machine: `${prefix}.machine`,
  boot: `${prefix}.boot`,
  pid: `${prefix}.pid`,
  pidStart: `${prefix}.pid-start`,
  /** The namespace of the pid: containers share their host's kernel and boot id, but not its pids. */
  pidNamespace: `${prefix}.pid-ns`,
  /** `<container id>@<engine id>`: the container that the owner ran in, on the same engine. */
  container: `${prefix}.container`,
  run: `${prefix}.run`,
  /** The worker that owns the resource; absent when the whole run owns it. */
  worker: `${prefix}.worker`,
  /**
   * The kind of the created resource: an image inherits the labels of its container, with the kind
   * `container`.
   */
  kind: `${prefix}.kind`,
  /** Random, one per creation: shows which resources inherited their labels. */
  nonce: `${prefix}.nonce`,
  /** `true` on castoff's own reaper. */
  reaper: `${prefix}.reaper`,
  /** On the reaper's image: the digest of its content. */
  reaperContent: `${prefix}.reaper.content`,
  /** On a marker: `<kind>:<id>` of a resource that the marker's session adopted from another session. */
  adopts: `${prefix}.adopts`,
} as const;

const compose = 'com.docker.compose';

/** Label on every resource of a Compose project. @see docker compose, `com.docker.compose.project` */
export const composeProjectLabel = `${compose}.project`;

/**
 * Label with a Compose project's folder, on its containers.
 *
 * @see docker compose, and docker-compose since 1.25
 */
export const projectFolderLabel = `${compose}.project.working_dir`;

/** Label that Compose sets on containers, never on images or volumes. */
export const composeContainerLabel = `${compose}.container-number`;

/** Label of containers: their service. Its containers differ in their {@link composeContainerLabel}. */
export const composeServiceLabel = `${compose}.service`;

/** Label of containers: `True` for those of `docker compose run`. */
export const composeOneOffLabel = `${compose}.oneoff`;

/** Label with the service's id on each container of a swarm service. @see Docker 20.10.24 */
export const swarmServiceIdLabel = 'com.docker.swarm.service.id';
/** Label with the service's name there. */
export const swarmServiceNameLabel = 'com.docker.swarm.service.name';

/** Label that Testcontainers sets to `true`, in every language. @see testcontainers, `utils/labels` */
export const testcontainersLabel = 'org.testcontainers';

/** Label that Testcontainers clients use to discover a running Ryuk. */
export const ryukLabel = `${testcontainersLabel}.ryuk`;

/** Label with the session of Testcontainers for Node.js and Python. */
export const testcontainersSessionLabel = `${testcontainersLabel}.session-id`;

/** Labels with the session of Testcontainers: of Node.js and Python; of Go and Java; of .NET. */
export const testcontainersSessionLabels: readonly string[] = [
  testcontainersSessionLabel,
  `${testcontainersLabel}.sessionId`,
  `${testcontainersLabel}.resource-reaper-session`,
];

/** Label of a container that Testcontainers for Node.js reuses in the next run. */
export const reuseLabel = `${testcontainersLabel}.container-hash`;

/** Label of the container through which Testcontainers exposes ports of the host. */
export const forwarderLabel = `${testcontainersLabel}.sshd`;

/**
 * Returns whether Testcontainers reuses the resource in the next run.
 *
 * @see testcontainers, `.container-hash` (Node.js), `.hash` (Java), `.reuse-hash` (.NET)
 */
export function isReused(labels: Labels): boolean {
  return Object.keys(labels).some(
    (name) => name.startsWith(`${testcontainersLabel}.`) && name.endsWith('hash'),
  );
}

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

/** Returns whether the labels are those of a reaper, castoff's or a Ryuk, which is never reaped by label. */
export function isReaper(labels: Labels): boolean {
  return labels[labelNames.reaper] === 'true' || labels[ryukLabel] === 'true';
}

/** Converts `ownership` to labels, without those whose value is unknown. */
export function ownershipLabels(ownership: Ownership): Record<string, string> {
  const { owner, session, scope, start, test, source, worker, createdAt } = ownership;
  const created = createdAt.toISOString();
  const values = { session, scope, start, test, source, created, ...owner, pid: String(owner.pid), worker };
  const names = Object.keys(values) as (keyof typeof values)[];
  return Object.fromEntries(
    names.flatMap((name) => {
      const { [name]: value } = values;
      return value === undefined ? [] : [[labelNames[name], labelValue(value)]];
    }),
  );
}

/** Returns the labels of one creation, in addition to those of its owner. */
export function creationLabels(kind: 'container' | 'network' | 'volume' | 'image'): Record<string, string> {
  return { [labelNames.kind]: kind, [labelNames.nonce]: randomHex(8) };
}

/** Reads the owner from `labels`. Returns `undefined` when host or pid is missing or invalid. */
export function ownerFromLabels(labels: Labels): Owner | undefined {
  const host = labels[labelNames.host];
  const pid = Number(labels[labelNames.pid]);
  if (host === undefined || !Number.isSafeInteger(pid) || pid <= 0) return undefined;
  const texts = ['machine', 'boot', 'pidStart', 'pidNamespace', 'container', 'run'] as const;
  return { host, pid, ...Object.fromEntries(texts.map((name) => [name, labels[labelNames[name]]])) };
}
