import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CreateOutcome } from '../../lib/capture/create-response';
import type { Labels } from '../../lib/core/labels';
import { readEnvTls, thisMachine, type Machine } from '../../lib/engine/engine-facts';
import { parseEndpoint } from '../../lib/engine/parse-endpoint';
import { rawConnectionsTo } from '../../lib/engine/raw-connection';
import type { RelayedCreation } from '../../lib/relay/creation';
import { openRelay, type Relay } from '../../lib/relay/relay';
import { specLabel, uniqueName } from './things';

/** A relay in front of a real engine, which labels every creation. */
export interface EngineRelay extends AsyncDisposable {
  readonly relay: Relay;
  readonly socketPath: string;
  /** As in `DOCKER_HOST`. */
  readonly address: string;
  /** On every resource created through it. */
  readonly labels: Labels;
  readonly creations: readonly (RelayedCreation & { readonly outcome: Promise<CreateOutcome | undefined> })[];
  readonly errors: readonly string[];
}

/**
 * @param engine - As in `DOCKER_HOST`.
 * @param machine - With the environment that names certificates. Default: this one.
 */
export async function openEngineRelay(
  engine = 'unix:///var/run/docker.sock',
  machine: Machine = thisMachine(),
): Promise<EngineRelay> {
  const folder = await mkdtemp(join(tmpdir(), 'castoff-relay-'));
  const labels = { ...specLabel, 'castoff-spec-relay': uniqueName() };
  const creations: EngineRelay['creations'][number][] = [];
  const errors: string[] = [];
  const socketPath = join(folder, 'relay.sock');
  const relay = await openRelay({
    path: socketPath,
    connect: rawConnectionsTo(parseEndpoint(engine, 'spec', await readEnvTls(machine))),
    onCreation(creation) {
      const { promise, resolve } = Promise.withResolvers<CreateOutcome | undefined>();
      creations.push({ ...creation, outcome: promise });
      const settle = (outcome: CreateOutcome | undefined): Promise<void> => Promise.resolve(resolve(outcome));
      return Promise.resolve({ labels, settle });
    },
    onError: (what, error) => errors.push(`${what}: ${String(error)}`),
  });
  return {
    relay,
    socketPath,
    address: `unix://${socketPath}`,
    labels,
    creations,
    errors,
    async [Symbol.asyncDispose]() {
      await relay.close();
      await rm(folder, { recursive: true });
    },
  };
}
