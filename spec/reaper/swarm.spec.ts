import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connectEngine } from '../../lib/engine/connect';
import { buildReaperImage } from '../../lib/lease/image';
import { dockerCommand } from '../support/docker-command';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { sleeper, specImage } from '../support/spec-image';
import { until } from '../support/until';

const stackFile = join(__dirname, '../../docker/stack.yml');
const token = 'swarm-token';
const secret = 'castoff-reaper-token';

let engine: PrivateEngine;
let image: string;
const docker = (...args: string[]) => dockerCommand(engine.address, args);
/** Runs a program on the node, beside the reaper. */
const onNode = (...args: string[]) => docker('run', '--rm', '--network', 'host', specImage, ...args);

beforeAll(async () => {
  engine = await openPrivateEngine({ isForSwarm: true });
  const { name } = await buildReaperImage(await connectEngine(engine.address));
  image = name;
  await docker('swarm', 'init', '--advertise-addr', '127.0.0.1', '--listen-addr', '127.0.0.1:2377');
  await dockerCommand(engine.address, ['secret', 'create', secret, '-'], { input: token });
  const env = { CASTOFF_REAPER_IMAGE: image, CASTOFF_REAPER_ENGINE_SOCKET: engine.socketPath };
  await dockerCommand(engine.address, ['stack', 'deploy', '--compose-file', stackFile, 'castoff'], { env });
});
afterAll(async () => {
  await docker('swarm', 'leave', '--force');
  await engine.close();
});

const isHealthy = () =>
  onNode('wget', '-q', '-O', '-', 'http://127.0.0.1:8081/healthz').then(
    (answer) => answer === 'ok',
    () => false, // Not up yet: connection refused, or 503.
  );

/** A client on the node: claims `labels`, and holds its lease until it is killed. */
const startClient = async (labels: readonly string[], shown: string): Promise<string> => {
  const owner = { host: 'node', boot: 'boot', pid: 1, pidStart: '1' };
  const hello = {
    id: 1,
    type: 'hello',
    protocol: 2,
    version: '0.1.0',
    session: 'swarm',
    owner,
    token: shown,
  };
  const lines = [hello, { id: 2, type: 'claim', labels }].map((line) => JSON.stringify(line)).join('\n');
  const script = '(echo "$0"; exec sleep 600) | nc 127.0.0.1 8080';
  return docker('run', '--detach', '--network', 'host', specImage, 'sh', '-c', script, lines);
};
const answersOf = async (client: string): Promise<unknown[]> => {
  const lines = (await docker('logs', client)).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as unknown);
};
const answers = async (client: string): Promise<unknown[]> => {
  await until(async () => (await answersOf(client)).length >= 2, 10_000);
  return answersOf(client);
};
const startOwned = (label: string) => docker('run', '--detach', '--label', label, specImage, ...sleeper);
const idsWith = (label: string) => docker('ps', '--all', '--quiet', '--filter', `label=${label}`);

describe('docker/stack.yml on a swarm', () => {
  it('runs one reaper on every node, healthy, that no client of Ryuk takes for its own', async () => {
    expect(await until(isHealthy, 30_000)).toBe(true);
    const services = await docker('service', 'ls', '--format', '{{.Name}} {{.Mode}} {{.Replicas}}');
    expect(services).toBe('castoff_reaper global 1/1');
    expect(await idsWith('castoff.reaper=true')).toMatch(/^[0-9a-f]+$/);
    expect(await idsWith('org.testcontainers.ryuk=true')).toBe('');
  });

  it('reaps what a client on the node claimed that dies, and nothing else', async () => {
    const label = 'castoff.session=swarm-one';
    await startOwned(label);
    const bystander = await startOwned('castoff.session=swarm-two');
    const client = await startClient([label], token);
    expect(await answers(client)).toMatchObject([
      { id: 1, ok: true },
      { id: 2, ok: true },
    ]);
    expect(await idsWith(label)).not.toBe('');
    await docker('kill', client);
    expect(await until(async () => (await idsWith(label)) === '', 20_000)).toBe(true);
    expect(await docker('ps', '--quiet', '--no-trunc')).toContain(bystander);
  });

  it('lets nobody claim without the token', async () => {
    const client = await startClient(['castoff.session=swarm-two'], 'another');
    expect(await answers(client)).toMatchObject([{ ok: false }, { ok: false }]);
  });

  it('starts another where one was killed', async () => {
    const before = await idsWith('castoff.reaper=true');
    await docker('kill', '--signal', 'KILL', before);
    const isAnother = async () =>
      (await docker('ps', '--quiet', '--filter', 'label=castoff.reaper=true')) !== '' && (await isHealthy());
    expect(await until(isAnother, 30_000)).toBe(true);
    expect(await docker('ps', '--quiet', '--filter', 'label=castoff.reaper=true')).not.toBe(before);
  });
});
