/**
 * Returns the name of an image as Docker lists it, with its tag: `docker.io/library/redis` is `redis:latest`. Podman
 * lists `cafe` as `localhost/cafe:latest` or `docker.io/library/cafe:latest`.
 */
export function fullImageName(name: string): string {
  const short = name.replace(/^(localhost|(index\.)?docker\.io)\//, '').replace(/^library\//, '');
  return /:[^/]*$/.test(short) ? short : `${short}:latest`;
}
