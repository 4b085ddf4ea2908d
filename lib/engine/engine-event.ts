import type { Labels } from '../core/labels';
import { parseFields } from '../core/fields';
import { removableKinds, type RemovableKind } from '../core/kinds';
import type { EngineResource } from './identity';

/** A change of a resource, reported by the engine. */
export interface EngineEvent extends EngineResource {
  /** Docker's name for the action: `create`, `start`, `die`, `destroy`; `delete` for an image. */
  readonly action: string;
  /** The text after the action: `healthy`, the command of an exec. */
  readonly detail?: string | undefined;
  readonly name?: string | undefined;
  /** Only events of containers have labels on every engine. */
  readonly labels: Labels;
  readonly exitCode?: number | undefined;
  /** Nanoseconds since 1970 by the engine's clock, as digits: a number would lose precision. */
  readonly atNano: string;
}

type Attributes = Readonly<Record<string, string>>;

interface Message {
  readonly Type?: string;
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Attributes | null };
}

/** Docker's names for actions that Podman names differently. */
const dockerActions: Readonly<Record<string, string>> = { remove: 'destroy', exec_died: 'exec_die' };

/** Attributes that are not labels. An engine drops labels with these names. */
const attributeNames: ReadonlySet<string> = new Set([
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
 * Parses one line of `GET /events`. Returns `undefined` for events of other kinds (plugins, pods, the daemon)
 * and for invalid lines, which no engine is known to send; the next listing corrects a missed event.
 *
 * Docker 20.10.24. `status`, `id` and `from` are the old format, which networks and volumes never had; their
 * events have no labels:
 *
 *     {"status":"die","id":"9d7a…","from":"castoff-spec/busybox:1","Type":"container","Action":"die","Actor":{"ID":"9d7a…",
 *      "Attributes":{"castoff-ev":"20400","exitCode":"137","image":"castoff-spec/busybox:1","name":"charming_hofstadter"}},
 *      "scope":"local","time":1795251086,"timeNano":1795251086353801124}
 *     {"Type":"network","Action":"destroy","Actor":{"ID":"e0d3…","Attributes":{"name":"app","type":"bridge"}},
 *      "scope":"local","time":1795251086,"timeNano":1795251086652784417}
 *
 * Podman 4.3.1. The action is `remove` instead of `destroy`, a volume has a name but no ID, and an image's ID
 * no `sha256:`. Networks have no events:
 *
 *     {"status":"remove","Type":"volume","Action":"remove","Actor":{"ID":"","Attributes":{"containerExitCode":"0","image":"",
 *      "name":"evol","podId":""}},"scope":"local","time":1795251386,"timeNano":1795251386261379810}
 *
 * @see Engine API, SystemEvents
 */
export function parseEngineEvent(line: string): EngineEvent | undefined {
  const { Type: kind, Action: text, Actor: actor } = (parseFields(line) ?? {}) as Message;
  const [atNano] = /(?<="timeNano":)\d+/.exec(line) ?? [];
  if (kind === undefined || !isKind(kind) || text === undefined || atNano === undefined) return undefined;
  const attributes = actor?.Attributes ?? {};
  const id = idOf(kind, actor?.ID || attributes['name']);
  if (id === undefined) return undefined;
  // `health_status: healthy`, `exec_create: /bin/sh -c true`
  const colon = text.indexOf(':');
  const action = colon === -1 ? text : text.slice(0, colon);
  const { exitCode } = attributes;
  return {
    kind,
    action: dockerActions[action] ?? action,
    detail: colon === -1 ? undefined : text.slice(colon + 1).trim(),
    id,
    name: kind === 'volume' ? id : attributes['name'],
    labels: kind === 'container' || kind === 'image' ? labelsAmong(attributes) : {},
    exitCode: exitCode === undefined ? undefined : Number(exitCode),
    atNano,
  };
}

function isKind(type: string): type is RemovableKind {
  return removableKinds.some((kind) => kind === type);
}

function idOf(kind: RemovableKind, id: string | undefined): string | undefined {
  return kind === 'image' && id !== undefined && /^[0-9a-f]{64}$/.test(id) ? `sha256:${id}` : id;
}

function labelsAmong(attributes: Attributes): Labels {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !attributeNames.has(name)));
}
