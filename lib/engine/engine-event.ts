import type { RemovableKind } from './removable-kind';

/** One thing that happened on an engine. */
export interface EngineEvent {
  readonly kind: RemovableKind;
  /** In Docker's words: `create`, `start`, `die`, `destroy`; `delete` for an image. */
  readonly action: string;
  /** What follows the action where something does: `healthy`, the command of an exec. */
  readonly detail?: string | undefined;
  /** The full id; a volume's name, an image's `sha256:…`. */
  readonly id: string;
  readonly name?: string | undefined;
  /** Only containers' events carry labels on every engine. */
  readonly labels: Readonly<Record<string, string>>;
  readonly exitCode?: number | undefined;
  /** Nanoseconds since 1970 by the engine's clock: digits, since a number would lose the last ones. */
  readonly atNano: string;
}

interface Message {
  readonly Type?: string;
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> | null };
}

const kinds: readonly string[] = ['container', 'network', 'volume', 'image'] satisfies RemovableKind[];

/** Podman's words for what Docker says otherwise. */
const dockerWords: Readonly<Record<string, string>> = { remove: 'destroy', exec_died: 'exec_die' };

/** Attributes that are not labels; a label of one of these names is lost in the engine already. */
const facts: ReadonlySet<string> = new Set([
  'name',
  'oldName',
  'image',
  'exitCode',
  'containerExitCode',
  'execID',
  'execDuration',
  'podId',
  'signal',
]);

/**
 * Reads one line of `GET /events`; `undefined` for what is about nothing that castoff knows (plugins, pods, the daemon), and
 * for what is no event: no engine seen writes one, and the truth comes from the next listing.
 *
 * Docker 20.10.24. `status`, `id` and `from` are the old form, which networks and volumes never had; they carry no labels:
 *
 *     {"status":"die","id":"9d7a…","from":"castoff-spec/busybox:1","Type":"container","Action":"die","Actor":{"ID":"9d7a…",
 *      "Attributes":{"castoff-ev":"20400","exitCode":"137","image":"castoff-spec/busybox:1","name":"charming_hofstadter"}},
 *      "scope":"local","time":1795251086,"timeNano":1795251086353801124}
 *     {"Type":"network","Action":"destroy","Actor":{"ID":"e0d3…","Attributes":{"name":"app","type":"bridge"}},
 *      "scope":"local","time":1795251086,"timeNano":1795251086652784417}
 *
 * Podman 4.3.1. A container is not destroyed but removed; a volume has a name and no ID, an image's ID no `sha256:`; networks
 * have no events at all:
 *
 *     {"status":"remove","Type":"volume","Action":"remove","Actor":{"ID":"","Attributes":{"containerExitCode":"0","image":"",
 *      "name":"evol","podId":""}},"scope":"local","time":1795251386,"timeNano":1795251386261379810}
 *
 * @see Engine API, SystemEvents
 */
export function parseEngineEvent(line: string): EngineEvent | undefined {
  const { Type: kind, Action: words, Actor: actor } = parseMessage(line);
  const [atNano] = /(?<="timeNano":)\d+/.exec(line) ?? [];
  if (kind === undefined || !isKind(kind) || words === undefined || atNano === undefined) return undefined;
  const attributes = actor?.Attributes ?? {};
  const id = idOf(kind, actor?.ID || attributes['name']);
  if (id === undefined) return undefined;
  // `health_status: healthy`, `exec_create: /bin/sh -c true`
  const colon = words.indexOf(':');
  const action = colon === -1 ? words : words.slice(0, colon);
  const { exitCode } = attributes;
  return {
    kind,
    action: dockerWords[action] ?? action,
    detail: colon === -1 ? undefined : words.slice(colon + 1).trim(),
    id,
    name: kind === 'volume' ? id : attributes['name'],
    labels: kind === 'container' || kind === 'image' ? labelsAmong(attributes) : {},
    exitCode: exitCode === undefined ? undefined : Number(exitCode),
    atNano,
  };
}

function parseMessage(line: string): Message {
  try {
    return (JSON.parse(line) as Message | null) ?? {};
  } catch {
    // SyntaxError: not an event.
    return {};
  }
}

function isKind(type: string): type is RemovableKind {
  return kinds.includes(type);
}

function idOf(kind: RemovableKind, id: string | undefined): string | undefined {
  return kind === 'image' && id !== undefined && /^[0-9a-f]{64}$/.test(id) ? `sha256:${id}` : id;
}

function labelsAmong(attributes: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !facts.has(name)));
}
