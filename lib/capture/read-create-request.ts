import {
  forwarderLabel,
  isReaper,
  labelNames,
  reuseLabel,
  testcontainersLabel,
  testcontainersSessionLabel as sessionLabel,
} from '../core/labels';
import { isFixedPort } from '../commands/docker-command';
import type { RemovableKind } from '../core/kinds';
import type { RegistryEntry } from '../registry/entry';
import { changesOf, labelsOfBody, labelsOfQuery, addLabelsToChanges, queryOf } from './add-labels';
import type { LabelTarget, RequestMeaning } from './request-meaning';

/** The resource that a create request describes. */
export interface CreateRequest extends Pick<RegistryEntry, 'name' | 'image'> {
  readonly kind: RemovableKind;
  /** Where labels can be added. */
  readonly labelsGoInto: LabelTarget;
  readonly labels: Readonly<Record<string, string>>;
  /** Whether it is a container with a name or host port that the next one may need. */
  readonly hasFixedNameOrPort: boolean;
  /** Whether the engine removes it when it exits. */
  readonly isAutoRemoved: boolean;
}

type Creation = Extract<RequestMeaning, { type: 'create' }>;

/** Parses a create request. Only a request whose labels go into the body needs `body`. */
export function readCreateRequest(
  creation: Creation,
  path: string,
  body: Readonly<Record<string, unknown>>,
): CreateRequest {
  const { kind, labelsGoInto } = creation;
  const query = queryOf(path);
  const defaults = { kind, labelsGoInto, labels: {}, hasFixedNameOrPort: false, isAutoRemoved: false };
  if (labelsGoInto === 'query')
    return { ...defaults, labels: labelsOfQuery(path), name: query.get('t') ?? undefined };
  if (labelsGoInto === 'changes')
    return { ...defaults, name: imageName(query.get('repo'), query.get('tag')) };
  const name = kind === 'container' ? query.get('name') : body['Name'];
  const image = kind === 'container' ? body['Image'] : undefined;
  return {
    ...defaults,
    labels: labelsOfBody(body),
    name: typeof name === 'string' && name !== '' ? name.replace(/^\//, '') : undefined,
    image: typeof image === 'string' ? image : undefined,
    hasFixedNameOrPort: kind === 'container' && hasFixedNameOrPort(query.get('name'), body),
    isAutoRemoved: kind === 'container' && isAutoRemoved(body),
  };
}

function imageName(repository: string | null, tag: string | null): string | undefined {
  if (!repository) return undefined;
  return tag ? `${repository}:${tag}` : repository;
}

/**
 * Whether a create request gives its container a name or host port that the next container may need. Without
 * a name, as testcontainers sends it, the engine generates one; without a port, or with port 0, it takes any
 * free one.
 *
 * @param name - `name` in the query.
 * @param body - `HostConfig.PortBindings`: `{ "6379/tcp": [{ "HostIp": "", "HostPort": "6379" }] }`
 * @see Engine API, ContainerCreate
 */
function hasFixedNameOrPort(name: string | null, body: Readonly<Record<string, unknown>>): boolean {
  if (name) return true;
  const host = body['HostConfig'];
  if (!isObject(host)) return false;
  if (host['NetworkMode'] === 'host') return true;
  const bindings = isObject(host['PortBindings']) ? Object.values(host['PortBindings']) : [];
  return bindings.flat().some((binding) => isObject(binding) && isFixedPort(binding['HostPort']));
}

function isAutoRemoved(body: Readonly<Record<string, unknown>>): boolean {
  const host = body['HostConfig'];
  return isObject(host) && host['AutoRemove'] === true;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/**
 * Whether a request must be left unchanged: castoff has labelled it already; it creates a reaper; or the
 * resource is meant to outlive the run, through `withReuse()` or `deleteOnExit: false`.
 */
export function isUntracked({ labels, labelsGoInto }: CreateRequest, path: string): boolean {
  if (labelNames.session in labels || isReaper(labels) || reuseLabel in labels) return true;
  if (labelsGoInto === 'query') return testcontainersLabel in labels && !(sessionLabel in labels);
  return isKept(path);
}

/** Whether another copy of castoff in this process, as in a sandbox, labelled it: it belongs to the run. */
export function isOfAnotherCopy({ labels, labelsGoInto }: CreateRequest, session: string): boolean {
  return (
    labelsGoInto === 'body' &&
    (labels[labelNames.session] ?? session) !== session &&
    labels[labelNames.pid] === String(process.pid) &&
    !isReaper(labels)
  );
}

/** Whether user code added the labels of a session, which lack those of a single creation. */
export function isLabelledByHand({ labels }: CreateRequest): boolean {
  return labelNames.session in labels && !(labelNames.nonce in labels) && !isReaper(labels);
}

/** With `deleteOnExit: false`, testcontainers' `commit()` blanks the session label that an image inherits. */
function isKept(path: string): boolean {
  return changesOf(path).some((line) => line.trim() === `LABEL ${sessionLabel}=`);
}

/** Whether testcontainers creates it for itself, with no API to remove it: it leaves that to its reaper. */
export function isHelper({ kind, labels }: CreateRequest, path: string): boolean {
  if (labels[forwarderLabel] === 'true') return true;
  return (
    kind === 'image' &&
    (sessionLabel in labels || changesOf(path).some((line) => line.includes(`${sessionLabel}=`)))
  );
}

/** Returns a path that blanks the ownership labels which an untracked image would inherit, if it does. */
export function stripOwnershipLabels(path: string): string | undefined {
  return isKept(path)
    ? addLabelsToChanges(path, { [labelNames.session]: '', [labelNames.start]: '' })
    : undefined;
}
