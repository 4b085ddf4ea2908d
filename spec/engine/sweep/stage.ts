import Docker from 'dockerode';
import { sweep, type SweepOptions, type SweepReport, type SweptThing } from '../../../lib/index';
import type { RemovableKind } from '../../../lib/core/kinds';
import { createLabelled, deadOwner, labelsOf, someSession } from '../../support/owned-things';
import type { PrivateEngine } from '../../support/private-engine';
import { exists, specLabel, uniqueName } from '../../support/things';
import { until } from '../../support/until';

/** Shared state of the specs on one engine. */
export interface SweepStage {
  readonly engine: PrivateEngine;
  readonly docker: Docker;
  readonly sweepHere: (options?: SweepOptions) => Promise<SweepReport>;
  readonly isThere: (id: string, kind?: RemovableKind) => Promise<boolean>;
  /**
   * Creates a container with these labels without starting it. Default: labels of a session whose owner is
   * dead.
   */
  readonly leave: (labels?: Record<string, string>) => Promise<string>;
  /** Creates a container, a network and a volume with these labels. */
  readonly leaveOfEachKind: (labels: Record<string, string>) => Promise<OfEachKind>;
}

export const createdKinds = ['container', 'network', 'volume'] as const;
export type OfEachKind = Readonly<Record<(typeof createdKinds)[number], string>>;

export function createStage(engine: PrivateEngine): SweepStage {
  const docker = new Docker({ socketPath: engine.socketPath });
  const leave: SweepStage['leave'] = (labels = labelsOf(someSession(), deadOwner())) =>
    createLabelled(docker, labels);
  return {
    engine,
    docker,
    sweepHere: (options = {}) => sweep({ engine: engine.address, ...options }),
    isThere: (id, kind = 'container') => exists(kind, id, docker),
    leave,
    leaveOfEachKind: async (labels) => {
      const Labels = { ...specLabel, ...labels };
      const volume = uniqueName();
      await docker.createVolume({ Name: volume, Labels });
      const { id: network } = await docker.createNetwork({ Name: uniqueName(), Labels });
      return { container: await leave(labels), network, volume };
    },
  };
}

export function find(report: SweepReport, id: string): SweptThing | undefined {
  return report.things.find((resource) => resource.id === id);
}

/** Kills a container. Resolves when the engine lists it as exited: Docker 28 responds to the kill before. */
export async function endContainer(docker: Docker, id: string): Promise<void> {
  await docker.getContainer(id).kill();
  const filters = { id: [id], status: ['exited'] };
  const isListed = async () => (await docker.listContainers({ all: true, filters })).length === 1;
  if (!(await until(isListed))) throw new Error(`container ${id} is not listed as exited`);
}
