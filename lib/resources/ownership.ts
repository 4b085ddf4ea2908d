import { composeContainerLabel, labelNames, type Labels } from '../core/labels';
import { carriesLabels } from '../engine/carries-labels';
import type { ImageStep } from '../engine/image-calls';
import type { ListedTarget } from '../engine/list-targets';
import type { Target } from './kind';

/** Whether the claim's owner created a resource that matches the claim. */
export type OwnershipProof =
  /** `isBase`: a kept image was built on it; the engine keeps it too, so only its tags can be removed. */
  | { readonly state: 'ours'; readonly isBase?: true | undefined }
  /** Proven: it inherited its labels. */
  | { readonly state: 'not-ours'; readonly reason: string }
  /** Not proven: kept and reported. */
  | { readonly state: 'unclear'; readonly reason: string };

/** A resource whose id its creator recorded. */
export interface RecordedResource extends Target {
  /** The value of `castoff.start`. */
  readonly key: string;
}

/** Evidence beside the listing, from the engine and the creators' records. */
export interface OwnershipEvidence {
  /** Labels of the containers' images, by image id; without images that the engine no longer has. */
  readonly imageLabels: ReadonlyMap<string, Labels>;
  /** Build steps of listed images by id, newest first. */
  readonly histories: ReadonlyMap<string, readonly ImageStep[]>;
  readonly recorded: readonly RecordedResource[];
}

const ours: OwnershipProof = { state: 'ours' };
const inherited = notOurs('it inherited its labels from its image');
const builtOnOwned = notOurs("it was built on one of the owner's images");

/**
 * Judges each of `listed`, which all carry the labels of `claim`. A container inherits the labels of its
 * image, and an image those of its base or committed container: only a nonce that it did not inherit proves
 * ownership.
 *
 * Resources without castoff's labels are judged by the claim alone, as in Ryuk. Images built on the owner's
 * images are not the owner's, nor are their containers.
 */
export function judgeOwnership(
  listed: readonly ListedTarget[],
  claim: readonly string[],
  evidence: OwnershipEvidence,
): ReadonlyMap<ListedTarget, OwnershipProof> {
  const judged = listed.map((target) => ({
    target,
    proof: isRecorded(target, evidence) ? ours : judgeOne(target, listed, claim, evidence),
  }));
  const foreignImages = judged.flatMap(({ target, proof }) =>
    target.kind === 'image' && proof.state === 'not-ours' ? [target.id] : [],
  );
  const proofs = judged.map(({ target, proof }) =>
    isOfForeignImage(target, foreignImages) ? { target, proof: inherited } : { target, proof },
  );
  const keptBases = proofs
    .filter(({ proof }) => proof.state !== 'ours')
    .flatMap(({ target }) => evidence.histories.get(target.id) ?? [])
    .map(({ id }) => id);
  return new Map(
    proofs.map(({ target, proof }) => {
      if (proof.state === 'ours' && target.kind === 'image' && keptBases.includes(target.id))
        return [target, { ...proof, isBase: true }];
      if (proof.state !== 'ours' || isRecorded(target, evidence)) return [target, proof];
      const twin = proofs.find((other) => other.proof.state === 'ours' && isTwin(other.target, target));
      return [target, twin === undefined ? proof : unclear(`${nameOf(twin.target)} has the same nonce`)];
    }),
  );
}

/** Whether its creator recorded the id of `target`. Volumes have no id, and their names can be reused. */
function isRecorded({ kind, id }: ListedTarget, { recorded }: OwnershipEvidence): boolean {
  return kind !== 'volume' && recorded.some((one) => one.kind === kind && one.id === id);
}

/** A container with castoff's labels has its own nonce to be judged by. */
function isOfForeignImage({ kind, labels, imageId = '' }: ListedTarget, images: readonly string[]): boolean {
  return kind === 'container' && !(labelNames.session in labels) && images.includes(imageId);
}

/** A copied nonce proves nothing about either resource. */
function isTwin(other: ListedTarget, target: ListedTarget): boolean {
  const { [labelNames.nonce]: nonce } = target.labels;
  return (
    other !== target &&
    nonce !== undefined &&
    other.kind === target.kind &&
    other.labels[labelNames.nonce] === nonce
  );
}

function nameOf({ kind, id, name }: ListedTarget): string {
  return `${kind} ${name === '' ? id : name}`;
}

function judgeOne(
  target: ListedTarget,
  listed: readonly ListedTarget[],
  claim: readonly string[],
  evidence: OwnershipEvidence,
): OwnershipProof {
  switch (target.kind) {
    case 'container':
      return judgeContainer(target, claim, evidence);
    case 'image':
      return judgeImage(target, listed, claim, evidence);
    case 'network':
    case 'volume': {
      const { [labelNames.kind]: kind = target.kind } = target.labels;
      return kind === target.kind ? ours : notOurs(`it has the labels of a ${kind}`);
    }
  }
}

function judgeContainer(
  target: ListedTarget,
  claim: readonly string[],
  { imageLabels }: OwnershipEvidence,
): OwnershipProof {
  const { labels, imageId = '' } = target;
  if (!needsImage(target)) return ours;
  const image = imageLabels.get(imageId);
  const { [labelNames.kind]: kind, [labelNames.nonce]: nonce } = labels;
  if (image === undefined)
    return kind !== undefined && kind !== 'container'
      ? notOurs(`it has the labels of an ${kind}`)
      : unclear('its image no longer exists, and may have had the same labels');
  // At least one label of the claim is not from the image.
  if (!carriesLabels(image, claim)) return ours;
  const isInherited =
    nonce !== undefined
      ? kind !== 'container' || nonce === image[labelNames.nonce]
      : labelNames.session in labels
        ? hasSameOwnership(labels, image)
        : labels[composeContainerLabel] !== undefined && image[composeContainerLabel] !== undefined;
  return isInherited ? inherited : ours;
}

function judgeImage(
  { id, labels }: ListedTarget,
  listed: readonly ListedTarget[],
  claim: readonly string[],
  { histories, recorded }: OwnershipEvidence,
): OwnershipProof {
  const { [labelNames.kind]: kind, [labelNames.nonce]: nonce, [labelNames.start]: start } = labels;
  if ((kind !== undefined && kind !== 'image') || composeContainerLabel in labels)
    return notOurs('it was committed from a container and inherited its labels');
  if (nonce === undefined) {
    const isSnapshot =
      labelNames.session in labels &&
      listed.some((other) => other.kind === 'container' && hasSameOwnership(other.labels, labels));
    if (isSnapshot) return unclear('it may be a snapshot of a container with the same labels');
    const steps = histories.get(id);
    if (steps === undefined && !(labelNames.session in labels))
      return unclear('its build history cannot be read');
    return isBuiltOnLabelled(steps ?? [], claim) ? builtOnOwned : ours;
  }
  if (recorded.some((one) => one.kind === 'image' && one.key === start)) return builtOnOwned;
  return judgeHistory(histories.get(id) ?? [], nonce);
}

/**
 * The step that sets the nonce is the newest of the owner's image, except for labels set after it (see
 * `nonceOfBuild`). A build on top of that image adds steps. BuildKit sets labels without a step.
 */
function judgeHistory(steps: readonly ImageStep[], nonce: string): OwnershipProof {
  const at = steps.findIndex(
    ({ createdBy, comment }) =>
      createdBy.includes(`${labelNames.nonce}=${nonce}`) || comment === nonceComment(nonce),
  );
  if (at === -1) return unclear("the owner or others may have built it on one of the owner's images");
  // Podman sets all labels in one step.
  return at === 0 || at === labelsAfterNonce(nonce) ? ours : builtOnOwned;
}

/**
 * Whether steps follow those that set the labels of Testcontainers or Compose. Docker's builder sets a
 * request's labels last, in order, one step each: `LABEL org.testcontainers.session-id=…`. BuildKit uses no
 * step.
 */
function isBuiltOnLabelled(steps: readonly ImageStep[], claim: readonly string[]): boolean {
  return claim.some((label) => {
    const at = steps.findIndex(({ createdBy }) => createdBy.includes(`LABEL ${label}`));
    const family = label.slice(0, label.lastIndexOf('.', label.indexOf('=')));
    return steps.slice(0, Math.max(0, at)).some(({ createdBy }) => !createdBy.includes(`LABEL ${family}`));
  });
}

/** Returns the comment that marks the step of a commit or an import. */
export function nonceComment(nonce: string): string {
  return `${labelNames.nonce}=${nonce}`;
}

/**
 * Returns the nonce of an image built with `names` as the names of all its labels. Docker's builder sets
 * labels in the order of their names, one step each: the nonce encodes how many follow its own.
 */
export function nonceOfBuild(nonce: string, names: readonly string[]): string {
  const after = names.filter((name) => name > labelNames.nonce).length;
  return `${nonce}-${after}`;
}

function labelsAfterNonce(nonce: string): number {
  return Number(/-(\d+)$/.exec(nonce)?.[1] ?? 0);
}

/** Whether judging it requires its image's labels: a container may inherit labels of castoff or Compose. */
export function needsImage({ kind, labels }: ListedTarget): boolean {
  const names = [labelNames.session, labelNames.nonce, composeContainerLabel];
  return kind === 'container' && names.some((name) => name in labels);
}

/**
 * Whether two sets of labels under one name can belong to one resource: a recreated one has another nonce.
 */
export function isSameCreation(one: Labels, other: Labels): boolean {
  return one[labelNames.nonce] === other[labelNames.nonce];
}

const ownershipNames = [
  labelNames.session,
  labelNames.scope,
  labelNames.start,
  labelNames.created,
  labelNames.host,
  labelNames.pid,
  labelNames.pidStart,
];

function hasSameOwnership(one: Labels, other: Labels): boolean {
  return ownershipNames.every((name) => one[name] === other[name]);
}

function notOurs(reason: string): OwnershipProof {
  return { state: 'not-ours', reason };
}

function unclear(reason: string): OwnershipProof {
  return { state: 'unclear', reason };
}
