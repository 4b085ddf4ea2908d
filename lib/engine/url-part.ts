/** `id` as one segment of an Engine API path: an id never reaches beyond its own place. */
export function urlPart(id: string): string {
  return encodeURIComponent(id);
}

/** An image's name as a part of an Engine API path: its slashes and colons stay, as the engine expects them. */
export function imageUrlPart(name: string): string {
  return name
    .split(/([/:@])/)
    .map((part, index) => (index % 2 === 1 ? part : urlPart(part)))
    .join('');
}
