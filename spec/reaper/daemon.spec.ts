import { createServer } from 'node:net';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createIdle } from '../support/claimed-things';
import { openCutRelay } from '../support/cut-relay';
import { makeUndeletable } from '../support/fault-undeletable';
import { removeLeftovers } from '../support/leftovers';
import { startDaemon, type DaemonReaper } from '../support/daemon-reaper';
import { exists, removeByHand, uniqueName } from '../support/things';
import { until } from '../support/until';

afterAll(() => removeLeftovers());

const label = 'org.testcontainers.session-id';
const createOwned = async (session: string): Promise<string> => (await createIdle({ [label]: session })).id;

const sessionsOf = async (reaper: DaemonReaper) => {
  const { body } = await reaper.get('/sessions');
  return JSON.parse(body) as {
    leases: { holder: string; since: string; claims: string[][] }[];
    ending: { labels: string[]; lastHolder: string; phase: string; dueInMs?: number }[];
  };
};
const figure = async (reaper: DaemonReaper, name: string): Promise<number> => {
  const { body } = await reaper.get('/metrics');
  const line = body.split('\n').find((each) => each.startsWith(`castoff_reaper_${name} `));
  return Number(line?.split(' ').at(-1));
};

describe('castoff reaper run', () => {
  it('lists, reaps and counts the resources of a dead client, and audits each one', async () => {
    await using reaper = await startDaemon([], { RYUK_RECONNECTION_TIMEOUT: '1s' });
    const session = uniqueName();
    const id = await createOwned(session);
    const bystander = await createOwned(uniqueName());
    const client = reaper.connect();
    expect(await client.claim(`label=${label}=${session}`)).toBe('ACK');
    expect(await client.claim('status=running')).toContain('NACK ');

    const claims = [[`${label}=${session}`]];
    const { leases } = await sessionsOf(reaper);
    expect(leases).toMatchObject([{ holder: expect.stringMatching(/^client 127\.0\.0\.1:\d+$/), claims }]);
    expect(Math.abs(Date.parse(leases[0]!.since) - Date.now())).toBeLessThan(10_000);
    expect(await figure(reaper, 'leases')).toBe(1);
    expect(await figure(reaper, 'claims')).toBe(1);
    expect(await figure(reaper, 'connections')).toBe(1);
    expect(await figure(reaper, 'refused_lines_total')).toBe(1);

    client.reset();
    const isEnding = async () => (await sessionsOf(reaper)).ending.length > 0;
    expect(await until(isEnding, 20_000, 50)).toBe(true);
    expect(await sessionsOf(reaper)).toMatchObject({
      leases: [],
      ending: [{ labels: [`${label}=${session}`], lastHolder: leases[0]!.holder }],
    });

    expect(await reaper.says({ event: 'reap-ended' })).toBe(true);
    expect(await exists('container', id)).toBe(false);
    expect(await exists('container', bystander)).toBe(true);
    expect(reaper.log().filter(({ event }) => event === 'audited')).toEqual([
      expect.objectContaining({
        level: 'info',
        outcome: 'removed',
        kind: 'container',
        id,
        labels: expect.objectContaining({ [label]: session }),
        claim: `${label}=${session}`,
        lease: leases[0]!.holder,
      }),
    ]);
    expect(await figure(reaper, 'leases')).toBe(0);
    expect(await figure(reaper, 'removed_total{kind="container"}')).toBe(1);
    expect(await figure(reaper, 'reap_duration_seconds_count{outcome="reaped"}')).toBe(1);
    expect(await figure(reaper, 'reapings_in_progress')).toBe(0);
  });

  it('serves connected clients after SIGTERM, and no others, until they disconnect', async () => {
    await using reaper = await startDaemon();
    const session = uniqueName();
    const id = await createOwned(session);
    const client = reaper.connect();
    await client.claim(`label=${label}=${session}`);

    reaper.signal('SIGTERM');
    expect(await reaper.says({ event: 'draining', why: 'SIGTERM', leases: 1 })).toBe(true);
    expect(await reaper.get('/healthz')).toMatchObject({
      status: 503,
      body: expect.stringContaining('no new clients'),
    });
    expect(await reaper.connect().closed).toBe('');
    expect(await client.claim(`label=${label}=${uniqueName()}`)).toBe('ACK');
    expect(await exists('container', id)).toBe(true);

    await client.leave();
    expect(await reaper.ended).toMatchObject({ exitCode: 0 });
    expect(await exists('container', id)).toBe(false);
  });

  it('exits with 1 and names the resource when a removal fails', async () => {
    await using reaper = await startDaemon([], { RYUK_REMOVE_RETRIES: '1' });
    const session = uniqueName();
    const id = await createOwned(session);
    {
      await using _ = await makeUndeletable('/var/run/docker.sock', id);
      const client = reaper.connect();
      await client.claim(`label=${label}=${session}`);
      reaper.signal('SIGTERM');
      await client.leave();
      const { exitCode, stderr } = await reaper.ended;
      expect(exitCode).toBe(1);
      expect(stderr).toContain(`left: container`);
      expect(stderr).toContain(id.slice(0, 12));
    }
    expect(reaper.log()).toContainEqual(
      expect.objectContaining({ level: 'error', event: 'audited', outcome: 'left', id }),
    );
    await removeByHand('container', id);
  });

  it('removes nothing with --dry-run, and logs what it would remove', async () => {
    await using reaper = await startDaemon(['--dry-run']);
    const session = uniqueName();
    const id = await createOwned(session);
    const client = reaper.connect();
    await client.claim(`label=${label}=${session}`);
    client.reset();
    expect(await reaper.says({ event: 'reap-ended' })).toBe(true);
    expect(await exists('container', id)).toBe(true);
    expect(reaper.log()).toContainEqual(expect.objectContaining({ outcome: 'would-remove', id }));
    expect(await figure(reaper, 'removed_total{kind="container"}')).toBe(0);
  });

  it('accepts clients that send the token from the file, and never prints it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'castoff-spec-'));
    try {
      const file = join(folder, 'token');
      await writeFile(file, 'open-sesame\n');
      await using reaper = await startDaemon(['--token-file', file], { RYUK_VERBOSE: 'true' });
      const hello = (token: string) =>
        JSON.stringify({
          id: 1,
          type: 'hello',
          protocol: 3,
          version: '0.1.0',
          session: 'spec',
          owner: { host: 'h', boot: 'b', pid: 1, pidStart: '1' },
          token,
        });
      const client = reaper.connect();
      expect(await client.claim(`label=${label}=x`)).toContain('NACK ');
      expect(JSON.parse(await client.claim(hello('wrong')))).toMatchObject({ ok: false });
      expect(JSON.parse(await client.claim(hello('open-sesame')))).toMatchObject({ ok: true });
      const output = [(await reaper.get('/sessions')).body, JSON.stringify(reaper.log())].join('');
      // A client of Ryuk's protocol sends it as a line, alone or beside its labels.
      const line = reaper.connect();
      expect(await line.claim('token=wrong')).toContain('NACK this reaper requires a token');
      expect(await line.claim(`token=wrong&label=${label}=x`)).toContain('NACK ');
      expect(await line.claim('token=open-sesame')).toBe('ACK');
      expect(await line.claim(`label=${label}=${uniqueName()}`)).toBe('ACK');
      const short = reaper.connect();
      expect(await short.claim(`token=open-sesame&label=${label}=${uniqueName()}`)).toBe('ACK');
      expect(output).toContain('session spec');
      expect(output).not.toContain('open-sesame');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('disconnects a client whose lease has reached the age limit: it keeps what it claims again', async () => {
    await using reaper = await startDaemon(['--max-lease-age', '1s'], { RYUK_RECONNECTION_TIMEOUT: '2s' });
    const [kept, stale] = [uniqueName(), uniqueName()];
    const [keptId, staleId] = [await createOwned(kept), await createOwned(stale)];
    const [alive, hung] = [reaper.connect(), reaper.connect()];
    expect(await alive.claim(`label=${label}=${kept}`)).toBe('ACK');
    expect(await hung.claim(`label=${label}=${stale}`)).toBe('ACK');
    await Promise.all([alive.closed, hung.closed]);
    expect(reaper.log()).toContainEqual(
      expect.objectContaining({
        msg: expect.stringMatching(/^disconnect 127\.0\.0\.1:\d+: its lease is 1s old$/),
      }),
    );
    const over = new AbortController();
    const stayAlive = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const again = reaper.connect();
        await again.claim(`label=${label}=${kept}`);
        await again.closed;
      }
    };
    const living = stayAlive();
    expect(await until(async () => !(await exists('container', staleId)), 20_000, 50)).toBe(true);
    expect(await exists('container', keptId)).toBe(true);
    over.abort();
    await living;
  });

  it('reports an unreachable engine in /healthz until it answers again', async () => {
    await using relay = await openCutRelay();
    await using reaper = await startDaemon([], { DOCKER_HOST: relay.address });
    // On a busy machine, the engine may answer too late, which is reported, too.
    const isWell = async () => (await reaper.get('/healthz')).body === 'ok\n';
    expect(await until(isWell, 20_000, 50)).toBe(true);
    expect(await until(async () => (await figure(reaper, 'engine_up')) === 1)).toBe(true);
    relay.hold();
    expect(await figure(reaper, 'engine_up')).toBe(0);
    expect(await reaper.get('/healthz')).toMatchObject({
      status: 503,
      body: expect.stringContaining('the engine does not answer'),
    });
    relay.release();
    expect(await until(isWell, 20_000, 50)).toBe(true);
  });

  it('responds to /healthz while the engine hangs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'castoff-spec-'));
    const socketPath = join(folder, 'hung.sock');
    const hung = createServer(() => undefined).listen(socketPath);
    await once(hung, 'listening');
    try {
      await using reaper = await startDaemon([], { DOCKER_HOST: `unix://${socketPath}` });
      const replies = await Promise.all([reaper.get('/healthz'), reaper.get('/healthz')]);
      expect(replies.map(({ status }) => status)).toEqual([503, 503]);
    } finally {
      hung.close();
      await rm(folder, { recursive: true });
    }
  });
});

describe('castoff reaper run without options', () => {
  let reaper: DaemonReaper;
  beforeAll(async () => {
    reaper = await startDaemon();
  });
  afterAll(async () => reaper[Symbol.asyncDispose]());

  it('listens on loopback only by default', async () => {
    const places = reaper.log().flatMap(({ address }) => (address === undefined ? [] : [address]));
    expect(places).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    ]);
  });

  it('logs its state on SIGHUP, and keeps running', async () => {
    const client = reaper.connect();
    await client.claim(`label=${label}=${uniqueName()}`);
    reaper.signal('SIGHUP');
    expect(await reaper.says({ event: 'state' })).toBe(true);
    expect(reaper.log().at(-1)).toMatchObject({ state: { isDraining: false, connections: 1, leases: [{}] } });
    expect(await client.claim(`label=${label}=${uniqueName()}`)).toBe('ACK');
    await client.leave();
  });

  it('accepts claims that identify a session, and others only if configured', async () => {
    const client = reaper.connect();
    expect(await client.claim(`label=team=${uniqueName()}`)).toContain('NACK no claimable label');
    expect(await client.claim(`label=${label}=${uniqueName()}`)).toBe('ACK');
    await client.leave();
    await using open = await startDaemon(['--claimable-keys', 'any', '--host', '0.0.0.0']);
    expect(await open.connect().claim(`label=team=${uniqueName()}`)).toBe('ACK');
    expect(open.log()).toContainEqual(
      expect.objectContaining({ level: 'warn', msg: expect.stringContaining('CASTOFF_REAPER_TOKEN_FILE') }),
    );
  });

  it('keeps reaping when its log has no reader', async () => {
    const session = uniqueName();
    const id = await createOwned(session);
    reaper.stopReading();
    const client = reaper.connect();
    expect(await client.claim(`label=${label}=${session}`)).toBe('ACK');
    client.reset();
    expect(await until(async () => !(await exists('container', id)), 20_000, 50)).toBe(true);
    expect(await reaper.get('/healthz')).toMatchObject({ status: 200 });
  });
});
