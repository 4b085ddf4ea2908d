import { withTimeout } from '../core/timeout';
import type { Answer, Engine } from './engine';
import type { ListedTarget } from './list-targets';
import { urlPart } from './url-part';

/** The fields that castoff reads from a container's inspection. */
export interface ContainerFacts extends Pick<ListedTarget, 'id' | 'name' | 'labels'> {
  /** `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
  readonly status: string;
  readonly image: string;
  readonly exitCode?: number | undefined;
  readonly isOomKilled: boolean;
  /** The engine's own message about a failed start or removal. */
  readonly error: string;
  readonly startedAt?: string | undefined;
  readonly finishedAt?: string | undefined;
  readonly health?: { readonly status: string; readonly log: readonly string[] } | undefined;
  readonly isTty: boolean;
  /** Of its main process on the engine's host, while that runs. */
  readonly pid?: number | undefined;
}

/**
 * Removes a container, running or not, and its anonymous volumes unless `removeVolumes` is false.
 *
 * @see Engine API, ContainerDelete
 */
export async function removeContainer(
  engine: Engine,
  id: string,
  options: { readonly removeVolumes: boolean },
): Promise<Answer<unknown>> {
  // Podman 5.4 and later stop a container gracefully even with `force`: 10 s for a PID 1 that ignores
  // SIGTERM. The result of the kill does not matter (`can only kill running containers. … container state
  // improper`): the removal decides.
  if (engine.isPodman) await killContainer(engine, id);
  return engine.ask('container.remove', id, (docker) =>
    docker.getContainer(urlPart(id)).remove({ force: true, v: options.removeVolumes }),
  );
}

function killContainer(engine: Engine, id: string): Promise<Answer<unknown>> {
  return engine.ask('container.kill', id, (docker) => docker.getContainer(urlPart(id)).kill());
}

/**
 * Resolves to the folder on the engine's machine that contains the container's writable layer; `undefined`
 * when the engine does not report it, as with containerd's image store.
 *
 * @see Engine API, ContainerInspect: GraphDriver.Data.UpperDir of overlay2, and of Podman's overlay
 */
export function readUpperFolder(engine: Engine, id: string): Promise<Answer<string | undefined>> {
  return engine.ask('container.inspect', id, async (docker) => {
    const { GraphDriver: driver } = (await docker.getContainer(urlPart(id)).inspect()) as {
      readonly GraphDriver?: { readonly Data?: { readonly UpperDir?: unknown } | null } | null;
    };
    const folder = driver?.Data?.UpperDir;
    return typeof folder === 'string' && folder !== '' ? folder : undefined;
  });
}

/** How to stop a container. */
export interface ContainerStop {
  /** Grace before SIGKILL, in milliseconds. */
  readonly timeoutMs: number;
  /** Default: the image's stop signal, or SIGTERM. */
  readonly signal?: string | undefined;
}

/**
 * Stops a container with its stop signal, and kills it after the grace, which the engine counts in whole
 * seconds.
 *
 * @see Engine API, ContainerStop
 */
export function stopContainer(
  engine: Engine,
  id: string,
  { timeoutMs: stopTimeoutMs, signal }: ContainerStop,
): Promise<Answer<unknown>> {
  if (signal !== undefined) return signalContainer(engine, id, signal, stopTimeoutMs);
  return engine.ask('container.stop', id, (docker) =>
    docker.getContainer(urlPart(id)).stop({ t: Math.ceil(stopTimeoutMs / 1_000) }),
  );
}

/**
 * Sends a signal, and waits until the container has stopped or the timeout has expired. Engines accept a
 * signal for `stop` since API 1.42 only.
 *
 * @see Engine API, ContainerKill: 409 when it does not run; ContainerWait
 */
function signalContainer(
  engine: Engine,
  id: string,
  signal: string,
  timeoutMs: number,
): Promise<Answer<unknown>> {
  return engine.ask('container.stop', id, async (docker, abortSignal) => {
    const container = docker.getContainer(urlPart(id));
    await container.kill({ signal });
    const stopping = container.wait({ condition: 'not-running', abortSignal });
    // Ignores a DeadlineError: the removal that follows kills the container.
    await Promise.allSettled([withTimeout(stopping, { what: `stop container ${id}`, timeoutMs })]);
  });
}

/**
 * Resolves when the container has been removed, or its removal has failed: inspect it to know which.
 *
 * @see Engine API, ContainerWait, `condition=removed` (API 1.30)
 */
export function waitUntilRemoved(engine: Engine, id: string): Promise<Answer<unknown>> {
  return engine.ask('container.wait', id, (docker, abortSignal) =>
    docker.getContainer(urlPart(id)).wait({ condition: 'removed', abortSignal }),
  );
}

/** Inspects a container. @see Engine API, ContainerInspect */
export function inspectContainer(engine: Engine, id: string): Promise<Answer<ContainerFacts>> {
  return engine.ask('container.inspect', id, async (docker) => {
    const { Id, Name, Config, State } = await docker.getContainer(urlPart(id)).inspect();
    const hasEnded = State.Status === 'exited' || State.Status === 'dead';
    return {
      id: Id,
      name: Name.replace(/^\//, ''),
      labels: Config.Labels ?? {},
      status: State.Status,
      image: Config.Image,
      exitCode: hasEnded ? State.ExitCode : undefined,
      isOomKilled: State.OOMKilled,
      error: State.Error,
      startedAt: knownTime(State.StartedAt),
      finishedAt: knownTime(State.FinishedAt),
      health:
        State.Health == null
          ? undefined
          : {
              status: State.Health.Status,
              log: (State.Health.Log ?? []).map((check) => check.Output.trim()),
            },
      isTty: Config.Tty,
      pid: State.Pid > 0 ? State.Pid : undefined,
    };
  });
}

/**
 * Lists the ids of the containers, stopped ones included, that are attached to a network or mount a volume. An
 * inspection of a network may leave some out (Podman).
 *
 * @see Engine API, ContainerList, filters `network` and `volume`
 */
export function listContainersUsing(
  engine: Engine,
  kind: 'network' | 'volume',
  id: string,
): Promise<Answer<readonly string[]>> {
  return engine.ask('container.list', `${kind} ${id}`, async (docker) => {
    const containers = await docker.listContainers({ all: true, filters: { [kind]: [id] } });
    return containers.map(({ Id }) => Id);
  });
}

/**
 * Reads the last `tail` lines of output, multiplexed unless the container has a terminal.
 *
 * @see Engine API, ContainerLogs
 */
export function readContainerLogs(engine: Engine, id: string, tail: number): Promise<Answer<Buffer>> {
  return engine.ask('container.logs', id, (docker, abortSignal) =>
    docker.getContainer(urlPart(id)).logs({ stdout: true, stderr: true, follow: false, tail, abortSignal }),
  );
}

// Docker reports 0001-01-01T00:00:00Z for "not yet".
function knownTime(time: string): string | undefined {
  return time.startsWith('0001-') ? undefined : time;
}
