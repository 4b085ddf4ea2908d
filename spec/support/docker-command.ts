import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/** What the `docker` command says on the engine at `address`; `input` is its stdin. Rejects with its stderr when it fails. */
export async function dockerCommand(
  address: string,
  args: readonly string[],
  { input = '', env = {} }: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const child = spawn('docker', args, {
    env: { ...process.env, DOCKER_HOST: address, ...env },
    stdio: 'pipe',
  });
  // EPIPE: it ended without reading its input; its exit code says how.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [stdout, stderr, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (exitCode === 0) return stdout.trim();
  throw new Error(`docker ${args.join(' ')}: exit ${exitCode}: ${stderr.trim()}`);
}
