import { isFields, parseFields, type Fields } from '../core/fields';
import type { RemovableKind } from '../core/kinds';

/** The outcome of a create request: the id of the new resource, or a failure. */
export type CreateOutcome = { readonly isCreated: true; readonly id: string } | { readonly isCreated: false };

/** Parses the response to a create request, or its end, if it is long; `undefined` when it has no outcome. */
export function readCreateResponse(
  kind: RemovableKind,
  status: number,
  text: string,
): CreateOutcome | undefined {
  if (status >= 400) return { isCreated: false };
  const parsed = parseFields(text);
  // The last line is empty, and the start of the first one may have been dropped.
  const parts = parsed === undefined ? text.split('\n').map(parseFields) : [parsed];
  const lines = parts.filter((line) => line !== undefined);
  // {"errorDetail":{"code":1,"message":"The command '/bin/false' returned a non-zero code: 1"},"error":"The command …"}
  if (lines.some((line) => typeof line['error'] === 'string')) return { isCreated: false };
  // Container: {"Id":"4f2…","Warnings":[]}. Network: {"Id":"8a1…","Warning":""}. Volume:
  // {"CreatedAt":"2026-11-02T10:00:00Z","Driver":"local","Labels":{…},"Mountpoint":"/var/lib/docker/volumes/db/_data","Name":"db",…}
  // Network of libpod: {"name":"net","id":"325c50d…","driver":"bridge",…}
  const ids =
    kind === 'image' ? [imageId(lines)] : lines.map(({ Id, id: podmanId, Name }) => Id ?? podmanId ?? Name);
  const id = ids.find(isText);
  return id === undefined ? undefined : { isCreated: true, id };
}

/**
 * Commit: {"Id":"sha256:9b0…"}. Import: {"status":"sha256:3fd…"}. Build: {"aux":{"ID":"sha256:5b8…"}} among
 * many other lines, such as BuildKit's {"id":"moby.buildkit.trace","aux":"CnoK…"}; the last id is that of the
 * image.
 */
function imageId(lines: readonly Fields[]): string | undefined {
  const ids = lines.flatMap(({ Id, status, aux }) => [Id, status, isFields(aux) ? aux['ID'] : undefined]);
  return ids.filter(isText).findLast((id) => /^sha256:[0-9a-f]{64}$/.test(id));
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
