/** Shortens a full id to twelve digits, as `docker ps` prints it. Names are returned unchanged. */
export function shortId(id: string): string {
  return /^(sha256:)?[0-9a-f]{64}$/.test(id) ? id.replace('sha256:', '').slice(0, 12) : id;
}
