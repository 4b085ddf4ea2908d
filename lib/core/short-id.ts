/** A full id as `docker ps` prints it: its first twelve digits. A name stays as it is. */
export function shortId(id: string): string {
  return /^(sha256:)?[0-9a-f]{64}$/.test(id) ? id.replace('sha256:', '').slice(0, 12) : id;
}
