import { addLabels } from '../capture/add-labels';
import { stripOwnershipLabels } from '../capture/creation-ownership';
import { readCreateRequest, type CreateRequest } from '../capture/read-create-request';
import { meaningOfRequest, type RequestMeaning } from '../capture/request-meaning';
import type { Fields } from '../core/fields';
import type { Labels } from '../core/labels';
import { parseExactly } from './exact-json';
import { valuesOf } from './message-head';
import { labelLibpodBody, libpodKind, readLibpodRequest } from './libpod';
import { changeHead, type RequestHead } from './request-head';

/** A longer body is not that of a create request. */
export const maxCreateBodyBytes = 16 * 1024 * 1024;

/** The head of a create request. */
export interface CreationHead {
  readonly meaning: Extract<RequestMeaning, { type: 'create' }>;
  readonly head: RequestHead;
  /** Whether its labels go into the body. */
  readonly needsBody: boolean;
}

/** The start of the body of a create request. */
export interface CreationBody {
  /** Its content, without the framing of chunks. */
  readonly content: readonly Buffer[];
  /** `cut`: the client sent no more of it. */
  readonly extent: 'whole' | 'too-long' | 'cut';
}

/** A create request, as the owner of a relay sees it. */
export interface RelayedCreation {
  readonly request: CreateRequest;
  /** The path with its query. */
  readonly path: string;
  /** Why labels cannot be added: only what the path says is known of the request, and only its outcome later. */
  readonly unlabelled?: string | undefined;
}

/** Returns the creation that a request with this head makes, if any. */
export function readCreation(head: RequestHead): CreationHead | undefined {
  const podmanKind = libpodKind(head.method, head.path);
  const meaning: RequestMeaning | undefined =
    podmanKind === undefined
      ? meaningOfRequest(head.method, head.path)
      : { type: 'create', kind: podmanKind, labelsGoInto: 'body' };
  if (meaning?.type !== 'create') return undefined;
  const isCompressed = valuesOf(head, 'content-encoding').length > 0;
  return { meaning, head, needsBody: meaning.labelsGoInto === 'body' && !isCompressed };
}

/** A create request that has been read, and how to add labels to it. */
interface ReadCreation extends RelayedCreation {
  readonly addLabels: (labels: Labels) => ReturnType<typeof addLabels>;
}

/** Returns the create request, or `undefined` when the engine rejects it, because its body is no JSON object. */
export function readCreationBody(
  { meaning, head: { method, path }, needsBody }: CreationHead,
  { content, extent }: CreationBody,
): ReadCreation | undefined {
  const podmanKind = libpodKind(method, path);
  const read = (fields: Fields): ReadCreation => {
    if (podmanKind !== undefined) {
      const add = (labels: Labels) => ({ path, body: labelLibpodBody(podmanKind, fields, labels) });
      return { request: readLibpodRequest(podmanKind, fields), path, addLabels: add };
    }
    const request = readCreateRequest(meaning, path, fields);
    return { request, path, addLabels: (labels) => addLabels(request, path, fields, labels) };
  };
  if (!needsBody) {
    const isCompressed = meaning.labelsGoInto === 'body';
    return { ...read({}), unlabelled: isCompressed ? 'its body is compressed' : undefined };
  }
  if (extent === 'too-long') return { ...read({}), unlabelled: 'its body is longer than 16 MB' };
  // Docker creates a volume without one; it refuses the other kinds.
  if (meaning.kind === 'volume' && extent === 'whole' && content.every(({ length }) => length === 0))
    return { ...read({}), unlabelled: 'its body is empty' };
  const fields = extent === 'whole' ? parseExactly(Buffer.concat(content).toString()) : undefined;
  return fields === undefined ? undefined : read(fields);
}

/** Bytes to send instead of a head, and instead of the body that was read, if any. */
interface LabelledRequest {
  readonly head: Buffer;
  readonly body?: Buffer | undefined;
}

/**
 * Adds labels to a create request.
 *
 * @param bytes - Its head.
 * @param options.labels - The labels of its owner. `undefined`: the request is forwarded unchanged, but an image that
 *   is meant to outlive the run does not inherit the labels of its container.
 * @param options.isContinued - Whether the client has been sent its `100 Continue`.
 */
export function labelCreation(
  bytes: Buffer,
  { path, addLabels: label, unlabelled }: ReadCreation,
  { labels, isContinued }: { readonly labels: Labels | undefined; readonly isContinued: boolean },
): LabelledRequest {
  if (labels === undefined || unlabelled !== undefined) {
    const stripped = labels === undefined ? stripOwnershipLabels(path) : undefined;
    return { head: changeHead(bytes, { path: stripped, isContinued }) };
  }
  const labelled = label(labels);
  const body = labelled.body === undefined ? undefined : Buffer.from(labelled.body);
  return { head: changeHead(bytes, { path: labelled.path, bodyBytes: body?.length, isContinued }), body };
}
