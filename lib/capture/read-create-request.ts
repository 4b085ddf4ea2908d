import { labelNames, isReaper } from '../core/labels';
import type { RemovableKind } from '../engine/removable-kind';
import { isAutoRemoved, hasFixedNameOrPort } from './fixed-name-or-port';
import { changesOf, labelsOfBody, labelsOfQuery, addLabelsToChanges, queryOf } from './add-labels';
import type { LabelTarget, RequestMeaning } from './request-meaning';

/** What is ordered of an engine, as the request says it. */
export interface CreateRequest {
  readonly kind: RemovableKind;
  /** Where more labels are put. */
  readonly labelsGoInto: LabelTarget;
  readonly labels: Readonly<Record<string, string>>;
  readonly name?: string | undefined;
  /** What a container is to run. */
  readonly image?: string | undefined;
  /** A container with a name or a host port that the next one may want. */
  readonly hasFixedNameOrPort: boolean;
  /** The engine removes it as it ends. */
  readonly isAutoRemoved: boolean;
}

type Creation = Extract<RequestMeaning, { type: 'create' }>;

export function readCreateRequest(
  creation: Creation,
  path: string,
  body: Readonly<Record<string, unknown>>,
): CreateRequest {
  const { kind, labelsGoInto } = creation;
  const query = queryOf(path);
  const order = { kind, labelsGoInto, labels: {}, hasFixedNameOrPort: false, isAutoRemoved: false };
  if (labelsGoInto === 'query')
    return { ...order, labels: labelsOfQuery(path), name: query.get('t') ?? undefined };
  if (labelsGoInto === 'changes') return { ...order, name: imageName(query.get('repo'), query.get('tag')) };
  const name = kind === 'container' ? query.get('name') : body['Name'];
  const image = kind === 'container' ? body['Image'] : undefined;
  return {
    ...order,
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

/** testcontainers' own labels. @see testcontainers, `utils/labels` */
const testcontainers = 'org.testcontainers';
const reuseLabel = `${testcontainers}.container-hash`;
const forwarderLabel = `${testcontainers}.sshd`;
const sessionLabel = `${testcontainers}.session-id`;

/**
 * Whether an order is not to be touched: castoff has labelled it itself; it is a reaper; or it is meant to outlive the run, as
 * `withReuse()` and `deleteOnExit: false` have it.
 */
export function isUntracked({ labels, labelsGoInto }: CreateRequest, path: string): boolean {
  if (labelNames.session in labels || isReaper(labels) || reuseLabel in labels) return true;
  if (labelsGoInto === 'query') return testcontainers in labels && !(sessionLabel in labels);
  return isKept(path);
}

/**
 * Whether a copy of castoff in this very process has labelled it as another session's: that of a test file, which has a global object of
 * its own. It is the run's all the same.
 */
export function isOfAnotherCopy({ labels, labelsGoInto }: CreateRequest, session: string): boolean {
  return (
    labelsGoInto === 'body' &&
    (labels[labelNames.session] ?? session) !== session &&
    labels[labelNames.pid] === String(process.pid) &&
    !isReaper(labels)
  );
}

/** Whether user code has put the labels of a session on it, which say nothing of this one creation. */
export function isLabelledByHand({ labels }: CreateRequest): boolean {
  return labelNames.session in labels && !(labelNames.nonce in labels) && !isReaper(labels);
}

/** testcontainers' `commit({ deleteOnExit: false })` blanks its own label, which the image would have from its container. */
function isKept(path: string): boolean {
  return changesOf(path).some((line) => line.trim() === `LABEL ${sessionLabel}=`);
}

/** Whether testcontainers makes it on the way, and leaves its removal to its reaper: nobody else is given a means to. */
export function isHelper({ kind, labels }: CreateRequest, path: string): boolean {
  if (labels[forwarderLabel] === 'true') return true;
  return (
    kind === 'image' &&
    (sessionLabel in labels || changesOf(path).some((line) => line.includes(`${sessionLabel}=`)))
  );
}

/** What is left alone must not be ours by the labels of the container that it is made from; `undefined`: it is as it should be. */
export function stripOwnershipLabels(path: string): string | undefined {
  return isKept(path)
    ? addLabelsToChanges(path, { [labelNames.session]: '', [labelNames.start]: '' })
    : undefined;
}
