import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program that uses a Testcontainers client. */
export interface ClientProcess {
  /** Its first line of output. */
  readonly line: string;
  /** Kills it with SIGKILL; resolves when it has exited. */
  kill(): Promise<void>;
}

/** Starts a program whose client uses `image` as its reaper. Resolves at its first line of output. */
export async function startClient(
  image: string,
  [command = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<ClientProcess> {
  const { TESTCONTAINERS_RYUK_DISABLED: _, ...inherited } = process.env;
  const child = spawn(command, args, {
    env: { ...inherited, ...env, RYUK_CONTAINER_IMAGE: image },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let stderr = '';
  child.stderr.on('data', (piece: Buffer) => (stderr += piece.toString()));
  const firstLine = once(createInterface(child.stdout), 'line').then(([line]) => String(line));
  const line = await Promise.race([firstLine, exited.then(() => undefined)]);
  if (line === undefined)
    throw new Error(`run ${[command, ...args].join(' ')}: it exited without output\n${stderr}`);
  return {
    line,
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
