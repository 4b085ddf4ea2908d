import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RunEnd } from '../../lib/verdict/verdict';
import { removeLeftovers } from '../support/leftovers';
import { startRunProcess, thrownBy } from '../support/run-process';
import { openRunStage, type Made, type RunStage } from '../support/run-stage';
import { exists } from '../support/things';
import { until } from '../support/until';

afterAll(() => removeLeftovers());

describe('a run that needs no engine', () => {
  it('a run that needs no engine contacts none, and loads no code for it', async () => {
    await using stage = await openRunStage(1, { DOCKER_HOST: 'unix:///nowhere/docker.sock' });
    expect(await stage.workers[0]!.do('await', { name: 'port' })).toEqual({ type: 'make' });
    await stage.workers[0]!.do('settle', { name: 'port', json: '1' });
    stage.workers[0]!.signal('SIGKILL');
    await stage.workers[0]!.ended;
    const end = await stage.main.do<RunEnd>('close');
    expect(end).toEqual({
      records: [],
      failures: [],
      left: [],
      handles: [],
      deadWorkers: 0,
      isRetained: false,
    });
    expect(await stage.main.do('loaded')).toEqual([]);
  });

  it('each caller that needs an engine gets an error when none can be reached', async () => {
    await using stage = await openRunStage(1, { DOCKER_HOST: 'unix:///nowhere/docker.sock' });
    for (const one of [stage.workers[0]!, stage.main, stage.workers[0]!]) {
      const thrown = await thrownBy(one.do('ready'));
      expect(thrown.code).toBe('ENGINE_UNREACHABLE');
      expect(thrown.message).toContain('/nowhere/docker.sock');
    }
    expect(await stage.main.do<RunEnd>('close')).toMatchObject({ failures: [], left: [] });
  });
});

describe('the connection of a run', () => {
  let stage: RunStage;
  let others: Made;
  beforeAll(async () => {
    stage = await openRunStage(2);
  });
  afterAll(async () => stage[Symbol.asyncDispose]());

  it("a run's socket is accessible to its user only", () => {
    expect(statSync(stage.address).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(stage.address)).mode & 0o777).toBe(0o700);
  });

  it('a run answers invalid requests that have an id, and continues', async () => {
    const stranger = connect(stage.address);
    stranger.write(
      'GET / HTTP/1.1\n\n{"id":7,"type":"claim","labels":[]}\n{"id":8,"type":"ready"}\n\u0000\n',
    );
    const [answer] = (await once(stranger, 'data')) as [Buffer];
    const answers = answer
      .toString()
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    expect(answers[0]).toMatchObject({ id: 7, ok: false, error: { code: 'CONFIG_INVALID' } });
    stranger.destroy();
    await stage.workers[0]!.do('ready');
  });

  it('a shared value may have 1 MiB, and not more', async () => {
    const json = JSON.stringify('"\\'.repeat(250_000));
    await stage.workers[0]!.do('await', { name: 'big' });
    await stage.workers[0]!.do('settle', { name: 'big', json });
    expect(await stage.main.do('await', { name: 'big' })).toEqual({ type: 'there', json, containers: [] });
    await stage.workers[0]!.do('await', { name: 'bigger' });
    const thrown = await thrownBy(stage.workers[0]!.do('settle', { name: 'bigger', json: `${json}${json}` }));
    expect(thrown.code).toBe('CONFIG_INVALID');
  });

  it("a session that a worker opens is the run's, and closing it keeps the resources of others", async () => {
    const [first, second] = stage.workers;
    others = await second!.do<Made>('make');
    const own = await first!.do<Made>('make');
    const { id, labels } = await first!.do<{ id: string; labels: object }>('session');
    expect(id).toBe(stage.session);
    expect(labels).toMatchObject({ 'castoff.session': stage.session, 'castoff.worker': expect.any(String) });
    const inMain = await stage.main.do<{ id: string }>('session');
    expect(inMain.id).toBe(stage.session);
    expect(await exists('container', others.id)).toBe(true);
    expect(await exists('container', own.id)).toBe(true);
  });

  it('workers cannot create resources once the run is ending', async () => {
    const [worker, leaves] = stage.workers;
    await leaves!.do('leave');
    expect(await stage.main.do<RunEnd>('close')).toMatchObject({ failures: [], left: [] });
    const refused = async () => (await thrownBy(worker!.do('make'))).code === 'SCOPE_CLOSED';
    expect(await until(refused)).toBe(true);
    expect((await thrownBy(stage.main.do('make'))).code).toBe('SCOPE_CLOSED');
    expect(await exists('container', others.id)).toBe(false);
    expect(existsSync(stage.address)).toBe(false);
  });
});

describe('the connection of an idle run', () => {
  it('the connection keeps neither the run nor a worker alive', async () => {
    await using stage = await openRunStage(1);
    await stage.workers[0]!.do('ready');
    expect(await stage.workers[0]!.leave()).toEqual({ code: 0, signal: null });
    expect(await stage.main.leave()).toEqual({ code: 0, signal: null });
  });
});

describe('the connection of a killed run', () => {
  let stage: RunStage;
  beforeAll(async () => {
    stage = await openRunStage(1);
  });
  afterAll(async () => stage[Symbol.asyncDispose]());

  it('requests to a killed run reject, and reports do not', async () => {
    const [worker] = stage.workers;
    const { id } = await worker!.do<Made>('make');
    stage.main.signal('SIGKILL');
    await stage.main.ended;
    const isRefused = () =>
      worker!.do('ready').then(
        () => false,
        () => true,
      );
    expect(await until(isRefused)).toBe(true);
    expect((await thrownBy(worker!.do('ready'))).code).toBe('SCOPE_CLOSED');
    const thrown = await thrownBy(worker!.do('await', { name: 'db' }));
    expect(thrown.code).toBe('SCOPE_CLOSED');
    expect(thrown.message).toContain(`the run at ${stage.address} has ended`);
    // The worker reports the removal.
    await worker!.do('remove', { id }).catch(() => undefined);
    await using late = await startRunProcess();
    const refusal = await thrownBy(late.do('join', { address: stage.address }));
    expect(refusal.code).toBe('CONFIG_INVALID');
    expect(refusal.message).toContain('castoff/jest/setup');
  });

  it('the socket of a killed run is removed when the next run ends', async () => {
    // Runs of other specs remove what they find in the folder that all runs of this user share.
    const folder = mkdtempSync(join(tmpdir(), 'castoff-spec-'));
    const env = { TMPDIR: folder, XDG_RUNTIME_DIR: folder, CASTOFF_REAPER: 'off' };
    await using killed = await openRunStage(0, env);
    await using living = await openRunStage(0, env);
    await using next = await openRunStage(0, env);
    killed.main.signal('SIGKILL');
    await killed.main.ended;
    expect(existsSync(killed.address)).toBe(true);
    await next.main.do('ready');
    await next.main.do('close');
    expect(existsSync(killed.address)).toBe(false);
    expect(existsSync(living.address)).toBe(true);
    await living.main.do('close');
    rmSync(folder, { recursive: true });
  });
});
