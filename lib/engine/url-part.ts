/** `id` as one segment of an Engine API path: an id never reaches beyond its own place. */
export function urlPart(id: string): string {
  return encodeURIComponent(id);
}

/** An image as a part of an Engine API path: its slashes and colons stay, as the engine expects them. */
export function imageUrlPart(image: string): string {
  return imageReference(image)
    .split(/([/:@])/)
    .map((part, index) => (index % 2 === 1 ? part : urlPart(part)))
    .join('');
}

/**
 * `image` spelled so that no engine can take it for something else.
 *
 * - A full id gets its `sha256:`. Podman (4.3 to 5.8) answers 500 "cannot specify 64-byte hexadecimal strings" without it.
 * - A name without a tag gets `:latest`. Docker's containerd image store looks among the ids, too: 404 "ambiguous reference"
 *   where another image's id begins with that name.
 *
 * Twelve hexadecimal digits and more stay as they are: they are an id, as `docker image ls` prints one.
 */
export function imageReference(image: string): string {
  if (/^[0-9a-f]{64}$/.test(image)) return `sha256:${image}`;
  const isId = /^(sha256:)?[0-9a-f]{12,64}$/.test(image);
  const hasTagOrDigest = /@|:[^/]*$/.test(image);
  return isId || hasTagOrDigest ? image : `${image}:latest`;
}
