// The main job on a real engine: everything that this starts is gone at the end, whatever happens to it on the way.
import { cleanupContainer, isCastoffError, openSession } from 'castoff';
import Docker from 'dockerode';
import { GenericContainer, Network, Wait } from 'testcontainers';
import { showLive } from './live-table.mts';

process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';

const image = 'castoff-spec/busybox:1';
const docker = new Docker();
const session = await openSession();
const { scope } = session;
showLive(session.registry);

const sleeper = (): GenericContainer => new GenericContainer(image).withCommand(['sleep', '600']);

const network = await scope.start(new Network());
const volume = `castoff-demo-${session.id}`;
await docker.createVolume({ Name: volume });
await scope.adopt(volume, 'volume');

const mounted = sleeper()
  .withNetwork(network)
  .withBindMounts([{ source: volume, target: '/data', mode: 'rw' }]);
const inScope = await Promise.all(
  [mounted, ...Array.from({ length: 7 }, sleeper)].map((container) => scope.start(container)),
);
const raw = await Promise.all(Array.from({ length: 4 }, () => sleeper().start()));
for (const container of raw) await scope.adopt(container);

// Three cleaners race for the same containers: castoff, the Engine API as it is, and testcontainers' own stop().
const raced = [...inScope.slice(0, 2), ...raw.slice(0, 2)];
const race = await Promise.all(
  raced.map(async (container) => {
    const [ours, ...others] = await Promise.allSettled([
      cleanupContainer(container),
      docker.getContainer(container.getId()).remove({ force: true }),
      container.stop(),
    ]);
    return { ours, others };
  }),
);
const isRejected = (end: PromiseSettledResult<unknown>): boolean => end.status === 'rejected';
const ourFailures = race.filter(({ ours }) => isRejected(ours)).length;
const otherFailures = race.flatMap(({ others }) => others).filter(isRejected).length;

// One start fails half way: it says so on its output and ends.
const message = 'FATAL: data directory is not writable';
const failure = await scope
  .start(
    new GenericContainer(image)
      .withCommand(['sh', '-c', `echo "${message}" >&2; sleep 600`])
      .withWaitStrategy(Wait.forLogMessage('ready').withStartupTimeout(1_000)),
  )
  .catch((error: unknown) => error);

// One container is removed behind our back.
for (const container of raw.slice(2, 3)) await docker.getContainer(container.getId()).remove({ force: true });

const ids = [...inScope, ...raw, network].map((thing) => thing.getId());
await session.close();

const left = await findLeft();
process.stdout.write(`
three cleaners raced for ${raced.length} containers: castoff failed ${ourFailures} times, the other two ${otherFailures} times
the start that failed said:
${failure instanceof Error ? failure.message.replaceAll(/^/gm, '  ') : '  nothing'}

`);
const isTold = isCastoffError(failure, 'START_FAILED') && failure.message.includes(message);
const faults = [
  ...(left.length > 0 ? [`left on the engine: ${left.join(', ')}`] : []),
  ...(ourFailures > 0 ? ['a cleanup of castoff failed in the race'] : []),
  ...(isTold ? [] : ['the failed start was not explained']),
];
if (faults.length > 0) {
  process.stdout.write(`VERDICT: ${faults.join('; ')}\n`);
  process.exitCode = 1;
} else {
  const count = session.registry.list().length;
  process.stdout.write(`VERDICT: ${count} things were started, and the engine knows none of them any more\n`);
}

/** Asked of the engine itself, past castoff: by id, by name and by label. A reaper looks once more, and then ends by itself. */
async function findLeft(): Promise<readonly string[]> {
  const filters = { label: [`castoff.session=${session.id}`] };
  const [containers, labelled, networks, { Volumes }] = await Promise.all([
    docker.listContainers({ all: true }),
    docker.listContainers({ all: true, filters }),
    docker.listNetworks(),
    docker.listVolumes(),
  ]);
  return [
    ...[...containers, ...networks].map((thing) => thing.Id).filter((id) => ids.includes(id)),
    ...labelled.filter(({ Labels }) => Labels['castoff.reaper'] !== 'true').map(({ Id }) => Id),
    ...Volumes.map((found) => found.Name).filter((name) => name === volume),
  ];
}
