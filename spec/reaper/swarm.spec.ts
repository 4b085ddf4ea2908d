import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Docker from 'dockerode';
import { connectEngine } from '../../lib/engine/connect';
import { buildReaperImage } from '../../lib/lease/image';
import type { AuditEntry } from '../../lib/reaper/reaping/audit';
import { reapClaim } from '../../lib/reaper/reaping/reap';
import { cleanupByLabel } from '../../lib/resources/cleanup-by-label';
import { cleanupSession } from '../../lib/sweep/cleanup-session';
import { sweep } from '../../lib/sweep/sweep';
import { claimOn } from '../support/claimed-things';
import { dockerCommand } from '../support/docker-command';
import { deadOwner, labelsOf, someSession } from '../support/owned-things';
import { openOwnTemporaryFolder } from '../support/own-temporary-folder';
import { openPrivateEngine, type PrivateEngine } from '../support/private-engine';
import { rejectionOf } from '../support/rejection';
import { sleeper, specImage } from '../support/spec-image';
import { until } from '../support/until';

let engine: PrivateEngine;
let api: Docker;
const docker = (...args: string[]) => dockerCommand(engine.address, args);

let temporary: ReturnType<typeof openOwnTemporaryFolder>;

beforeAll(async () => {
  engine = await openPrivateEngine({ isForSwarm: true });
  temporary = openOwnTemporaryFolder();
  api = new Docker({ socketPath: engine.socketPath });
  await docker('swarm', 'init', '--advertise-addr', '127.0.0.1', '--listen-addr', '127.0.0.1:2377');
});
afterAll(async () => {
  temporary.close();
  await docker('swarm', 'leave', '--force');
  await engine.close();
});

const idsWith = async (label: string, all = true): Promise<readonly string[]> => {
  const containers = await api.listContainers({ all, filters: { label: [label] } });
  return containers.map(({ Id }) => Id);
};

const tasksOf = (service: string) => idsWith(`com.docker.swarm.service.name=${service}`);
const services = async () =>
  (await api.listServices()).map(({ Spec }) => (Spec as { readonly Name: string }).Name).toSorted();

describe('the containers of Swarm services', () => {
  /** Creates a service; resolves to its name when it has `count` containers. */
  const createService = async (
    name: string,
    labels: Readonly<Record<string, string>>,
    options: {
      readonly isLabelled: boolean;
      readonly command: readonly string[];
      readonly replicas: number;
      readonly containers: number;
    },
  ): Promise<string> => {
    const pairs = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
    const flags = pairs.flatMap((pair) => [
      '--container-label',
      pair,
      ...(options.isLabelled ? ['--label', pair] : []),
    ]);
    const create = 'service create --detach --no-resolve-image --restart-delay 200ms --replicas'.split(' ');
    await docker(...create, `${options.replicas}`, '--name', name, ...flags, specImage, ...options.command);
    const hasTasks = async () => (await tasksOf(name)).length >= options.containers;
    if (!(await until(hasTasks, 20_000, 50))) throw new Error(`service ${name} has no tasks`);
    return name;
  };

  /** A labelled service, and one whose containers alone have the labels. */
  const createBoth = async (
    session: string,
    labels: Readonly<Record<string, string>>,
    foreign: { readonly command: readonly string[]; readonly replicas: number },
  ) => ({
    own: await createService(`own-${session}`, labels, {
      isLabelled: true,
      command: sleeper,
      replicas: 1,
      containers: 1,
    }),
    foreign: await createService(`foreign-${session}`, labels, {
      isLabelled: false,
      containers: 2,
      ...foreign,
    }),
  });

  it('are reaped with their service, or kept with it and reported once', async () => {
    const session = someSession();
    const label = `castoff.session=${session}`;
    // The swarm keeps creating containers for it.
    const crashes = { command: ['sh', '-c', 'sleep 0.2; exit 1'], replicas: 1 };
    const { own, foreign } = await createBoth(session, { 'castoff.session': session }, crashes);
    const audit: AuditEntry[] = [];
    const report = await reapClaim(
      await connectEngine(engine.address),
      claimOn({ 'castoff.session': session }).claim,
      { settlePausesMs: [0], onAudit: (entry) => audit.push(entry) },
    );
    expect(report.left).toEqual([
      expect.objectContaining({
        kind: 'container',
        reason: expect.stringMatching(new RegExp(`^belongs to service ${foreign} `)),
      }),
    ]);
    expect(audit.filter(({ outcome }) => outcome === 'left')).toHaveLength(1);
    expect(report.cutShort).toBeUndefined();
    expect(await tasksOf(own)).toEqual([]);
    expect(await services()).toEqual([foreign]);
    expect(await until(async () => (await tasksOf(foreign)).length > 0)).toBe(true);

    const { errors } = await cleanupByLabel(await connectEngine(engine.address), [label], {
      timeoutMs: 30_000,
    });
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringContaining(`belongs to service ${foreign}`),
    ]);
    expect(await services()).toEqual([foreign]);
    await api.getService(foreign).remove();
  });

  it('are swept with their service, or kept with it', async () => {
    const session = someSession();
    const sleeps = { command: sleeper, replicas: 2 };
    const { own, foreign } = await createBoth(session, labelsOf(session, deadOwner()), sleeps);
    const kept = await tasksOf(foreign);
    const actions = async (dryRun: boolean) => {
      const { things } = await sweep({ engine: engine.address, dryRun });
      const named = things.filter((thing) => thing.session === session);
      return named.map(({ id, action, proof }) => (kept.includes(id) ? { action, proof } : action));
    };
    const ofForeign = { action: 'kept', proof: expect.stringContaining(`belongs to service ${foreign}`) };
    const dry = await actions(true);
    expect(dry).toHaveLength(3);
    expect(dry).toEqual(expect.arrayContaining([ofForeign, 'would-remove']));
    expect(await services()).toEqual([foreign, own].toSorted());

    const swept = await actions(false);
    expect(swept).toEqual(expect.arrayContaining([ofForeign, 'removed']));
    expect(await services()).toEqual([foreign]);
    expect(await tasksOf(own)).toEqual([]);
    expect(await tasksOf(foreign)).toEqual(kept);

    const failure = await rejectionOf(cleanupSession(session, { engine: engine.address }));
    expect(failure).toMatchObject({
      code: 'CLEANUP_FAILED',
      message: expect.stringContaining(`belongs to service ${foreign}`),
    });
    expect(await tasksOf(foreign)).toEqual(kept);
    await api.getService(foreign).remove();
  });
});

describe('docker/stack.yml on a swarm', () => {
  const stackFile = join(__dirname, '../../docker/stack.yml');
  const token = 'swarm-token';

  beforeAll(async () => {
    const { name } = await buildReaperImage(await connectEngine(engine.address));
    const secret = ['secret', 'create', 'castoff-reaper-token', '-'];
    await dockerCommand(engine.address, secret, { input: token });
    const env = { CASTOFF_REAPER_IMAGE: name, CASTOFF_REAPER_ENGINE_SOCKET: engine.socketPath };
    await dockerCommand(engine.address, ['stack', 'deploy', '--compose-file', stackFile, 'castoff'], { env });
    await docker('run', '--detach', '--name', 'node', '--network', 'host', specImage, ...sleeper);
  });

  /** Runs a script on the node, beside the reaper. */
  const onNode = (script: string) => docker('exec', 'node', 'sh', '-c', script);

  /** Polls for the expected response, for at most 30 s: at first, it is connection refused, or 503. */
  const isHealthy = async () => {
    const asks = '[ "$(wget -q -O - http://127.0.0.1:8081/healthz 2>/dev/null)" = ok ]';
    return (
      (await onNode(`for _ in $(seq 300); do ${asks} && echo healthy && exit; sleep 0.1; done`)) === 'healthy'
    );
  };

  /** A client's script: claims `labels`, and holds its lease while `then` runs. */
  const claims = (labels: readonly string[], shown: string, then = 'true'): string => {
    const owner = { host: 'node', boot: 'boot', pid: 1, pidStart: '1' };
    const hello = { id: 1, type: 'hello', protocol: 3, version: '0.1.0', session: 'swarm' };
    const lines = [
      { ...hello, owner, token: shown },
      { id: 2, type: 'claim', labels },
    ];
    const printed = lines.map((line) => `'${JSON.stringify(line)}'`).join(' ');
    return `(printf '%s\\n' ${printed}; ${then}) | nc 127.0.0.1 8080`;
  };
  const parse = (answers: string): unknown[] =>
    answers
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
  const createOwned = async (label: string): Promise<string> => {
    const [key = '', value = ''] = label.split('=');
    return (await api.createContainer({ Image: specImage, Labels: { [key]: value } })).id;
  };

  it('runs one healthy reaper on every node, which no client of Ryuk takes for its own', async () => {
    expect(await isHealthy()).toBe(true);
    const listed = await docker('service', 'ls', '--format', '{{.Name}} {{.Mode}} {{.Replicas}}');
    expect(listed).toBe('castoff_reaper global 1/1');
    expect(await idsWith('castoff.reaper=true')).toHaveLength(1);
    expect(await idsWith('org.testcontainers.ryuk=true')).toEqual([]);
  });

  it('reaps the claims of a client on the node that dies, and nothing else', async () => {
    const label = 'castoff.session=swarm-one';
    await createOwned(label);
    const bystander = await createOwned('castoff.session=swarm-two');
    const script = claims([label], token, 'exec sleep 600');
    const client = await docker('run', '--detach', '--network', 'host', specImage, 'sh', '-c', script);
    const answers = async () => parse(await docker('logs', client));
    await until(async () => (await answers()).length >= 2);
    expect(await answers()).toMatchObject([
      { id: 1, ok: true },
      { id: 2, ok: true },
    ]);
    expect(await idsWith(label)).toHaveLength(1);
    await api.getContainer(client).kill();
    expect(await until(async () => (await idsWith(label)).length === 0, 20_000, 50)).toBe(true);
    expect(await idsWith('castoff.session=swarm-two')).toEqual([bystander]);
  });

  it('rejects claims without the token', async () => {
    const answers = parse(await onNode(claims(['castoff.session=swarm-two'], 'another')));
    expect(answers).toMatchObject([{ ok: false }, { ok: false }]);
  });

  it('replaces a killed reaper', async () => {
    const [before = ''] = await idsWith('castoff.reaper=true');
    await api.getContainer(before).kill({ signal: 'KILL' });
    const isAnother = async () => {
      const running = await idsWith('castoff.reaper=true', false);
      return running.length > 0 && !running.includes(before);
    };
    expect(await until(isAnother, 30_000, 100)).toBe(true);
    expect(await isHealthy()).toBe(true);
  });
});
