/** Encodes `id` as one segment of an Engine API path. */
export function urlPart(id: string): string {
  return encodeURIComponent(id);
}

/** Encodes an image's name or id for an Engine API path, which keeps slashes, colons and `@`. */
export function imageUrlPart(image: string): string {
  return imageReference(image)
    .split(/([/:@])/)
    .map((part, index) => (index % 2 === 1 ? part : urlPart(part)))
    .join('');
}

/**
 * Returns an unambiguous reference to `image`.
 *
 * - A full id gets the prefix `sha256:`. Without it, Podman (4.3 to 5.8) responds 500 "cannot specify 64-byte
 *   hexadecimal strings".
 * - A name without a tag gets `:latest`. Docker's containerd image store also matches ids: it responds 404
 *   "ambiguous reference" when another image's id starts with that name.
 *
 * Twelve or more hexadecimal digits are an id, as in `docker image ls`, and stay unchanged.
 */
export function imageReference(image: string): string {
  if (/^[0-9a-f]{64}$/.test(image)) return `sha256:${image}`;
  const isId = /^(sha256:)?[0-9a-f]{12,64}$/.test(image);
  const hasTagOrDigest = /@|:[^/]*$/.test(image);
  return isId || hasTagOrDigest ? image : `${image}:latest`;
}
