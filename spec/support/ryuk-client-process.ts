import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A program that uses a Testcontainers client, and has said what it started. */
export interface ClientProcess {
  readonly line: string;
  /** SIGKILLs it, and waits until it is gone. */
  kill(): Promise<void>;
}

/** Runs a program whose client starts `image` for its reaper, until its first line. */
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
  const gone = once(child, 'exit');
  let complaints = '';
  child.stderr.on('data', (piece: Buffer) => (complaints += piece.toString()));
  const said = once(createInterface(child.stdout), 'line').then(([line]) => String(line));
  const line = await Promise.race([said, gone.then(() => undefined)]);
  if (line === undefined) throw new Error(`run ${[command, ...args].join(' ')}: it ended\n${complaints}`);
  return {
    line,
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
