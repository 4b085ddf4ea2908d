import type Docker from 'dockerode';
import { docker, specLabel } from './things';

/**
 * Runs a container until it exits, and removes it. Resolves to its exit code and its output, stdout and
 * stderr.
 */
export async function runToEnd(
  options: Docker.ContainerCreateOptions,
  engine: Docker = docker,
): Promise<{ readonly code: number; readonly log: string }> {
  const container = await engine.createContainer({
    Tty: true,
    Labels: specLabel,
    ...options,
    HostConfig: { NetworkMode: 'none', ...options.HostConfig },
  });
  try {
    await container.start();
    const { StatusCode }: { StatusCode: number } = await container.wait();
    const log = await container.logs({ stdout: true, stderr: true });
    return { code: StatusCode, log: String(log).replaceAll('\r', '') };
  } finally {
    await container.remove({ force: true });
  }
}
