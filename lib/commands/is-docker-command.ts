/** Whether `file` is docker, podman or docker-compose, whose arguments castoff parses. */
export function isDockerCommand(file: string): boolean {
  return /(?:^|[\\/])(?:docker|podman|docker-compose)(?:\.exe)?$/i.test(file);
}
