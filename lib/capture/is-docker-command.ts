/** Whether `file` is a command that is looked at. */
export function isDockerCommand(file: string): boolean {
  return /(?:^|[\\/])(?:docker|podman|docker-compose)(?:\.exe)?$/i.test(file);
}
