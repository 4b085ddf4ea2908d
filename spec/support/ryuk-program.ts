import { ReaperProgram } from './reaper-program';
import { connectRyuk } from './ryuk-client';
import type { RyukContainer, RyukOptions } from './ryuk-container';
import { until } from './until';

const defaultTimeoutMs = 20_000;

/**
 * Starts the program of the reaper's image as a process, which takes a third of the time of its container.
 */
export async function startRyukProgram({ env = {} }: Pick<RyukOptions, 'env'>): Promise<RyukContainer> {
  const program = new ReaperProgram({ env: { RYUK_PORT: '0', ...env } });
  let hasEnded = false;
  const ended = program.exited.then((exitCode) => {
    hasEnded = true;
    return exitCode ?? -1;
  });
  const log = () => [...program.stdout, ...program.stderr].join('\n');
  const says = (pattern: RegExp, timeoutMs = defaultTimeoutMs) =>
    until(() => pattern.test(log()) || hasEnded, timeoutMs).then(() => pattern.test(log()));
  return {
    connect: () => connectRyuk(Number(/msg=Started address=\S+:(\d+)$/m.exec(log())?.[1] ?? 0)),
    log,
    says,
    signal: async (name) => void program.process.kill(name),
    ended,
    hasEnded: () => hasEnded,
  };
}
