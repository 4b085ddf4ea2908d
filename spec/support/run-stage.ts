import { rmSync } from 'node:fs';
import { cleanupSession } from '../../lib/index';
import { docker } from './things';
import { startRunProcess, type RunProcess } from './run-process';

interface Opened {
  readonly session: string;
  readonly address: string;
}

export interface Made {
  readonly id: string;
  readonly key: string;
}

/**
 * A run and its workers, each in its own process. Disposing of it kills them all, and removes their traces.
 */
export interface RunStage extends AsyncDisposable {
  readonly main: RunProcess;
  readonly session: string;
  readonly address: string;
  readonly workers: readonly RunProcess[];
  join(): Promise<RunProcess>;
}

/** @param limits - The time limits at the end of the run. */
export async function openRunStage(
  workers: number,
  env: NodeJS.ProcessEnv = {},
  limits: { readonly quietMs?: number; readonly silenceMs?: number } = {},
): Promise<RunStage> {
  const stack = new AsyncDisposableStack();
  const main = stack.use(await startRunProcess(env));
  const { session, address } = await main.do<Opened>('open', { limits });
  const join = async (): Promise<RunProcess> => {
    const worker = stack.use(await startRunProcess(env));
    await worker.do('join', { address });
    return worker;
  };
  return {
    main,
    session,
    address,
    workers: await Promise.all(Array.from({ length: workers }, () => join())),
    join,
    async [Symbol.asyncDispose]() {
      await stack.disposeAsync();
      // Removes the journals and the socket of killed processes.
      await cleanupSession(session);
      rmSync(address, { force: true });
    },
  };
}

/** Lists the containers with the label of that scope. */
export async function containersOfScope(session: string, scope: string): Promise<readonly string[]> {
  const label = [`castoff.session=${session}`, `castoff.scope=${scope}`];
  return (await docker.listContainers({ all: true, filters: { label } })).map(({ Id }) => Id);
}
