import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from '@jest/globals';
import type Docker from 'dockerode';
import { cleanupContainer, type PostMortem } from '../../lib/index';
import { openFaultProxy } from '../support/fault-proxy';
import { removeLeftovers } from '../support/leftovers';
import { specImage } from '../support/spec-image';
import { createIdleContainer, createRunningContainer, docker, exists, uniqueName } from '../support/things';
import { until } from '../support/until';

afterAll(() => removeLeftovers());

async function start(script: string, options: Docker.ContainerCreateOptions = {}): Promise<string> {
  return createRunningContainer({ Cmd: ['sh', '-c', script], ...options });
}

async function runToEnd(script: string, options: Docker.ContainerCreateOptions = {}): Promise<string> {
  const id = await start(script, options);
  await docker.getContainer(id).wait();
  return id;
}

async function postMortemOf(id: string): Promise<PostMortem | undefined> {
  const { outcome, postMortem } = await cleanupContainer(id, { postMortem: true });
  expect(outcome).toBe('removed');
  expect(await exists('container', id)).toBe(false);
  return postMortem;
}

const stdout = (text: string) => ({ stream: 'stdout', text });

describe('the post-mortem of a container', () => {
  it('has its name, image, exit code and last output', async () => {
    const name = uniqueName();
    const id = await runToEnd('echo out; echo err >&2; exit 3', { name });
    const postMortem = await postMortemOf(id);
    expect(postMortem).toMatchObject({
      name,
      image: specImage,
      status: 'exited',
      exitCode: 3,
      isOomKilled: false,
      gaps: [],
    });
    expect(postMortem?.exitSignal).toBeUndefined();
    expect(postMortem?.error).toBeUndefined();
    expect(postMortem?.health).toBeUndefined();
    expect(postMortem?.logLines).toHaveLength(2);
    expect(postMortem?.logLines).toEqual(
      expect.arrayContaining([
        { stream: 'stdout', text: 'out' },
        { stream: 'stderr', text: 'err' },
      ]),
    );
  });

  it('has the signal that killed it', async () => {
    const id = await start('echo ready; sleep 60');
    const container = docker.getContainer(id);
    await container.kill({ signal: 'SIGUSR1' });
    await container.kill({ signal: 'SIGKILL' });
    await container.wait();
    expect(await postMortemOf(id)).toMatchObject({
      exitCode: 137,
      exitSignal: 'SIGKILL',
      isOomKilled: false,
    });
  });

  it('reports that the container ran out of memory', async () => {
    const bytes = 8 * 1024 * 1024;
    const HostConfig = { Memory: bytes, MemorySwap: bytes };
    const id = await createRunningContainer({ HostConfig });
    const container = docker.getContainer(id);
    const filters = { container: [id], event: ['oom'] };
    const events = (await docker.getEvents({ since: 1, filters })) as Readable;
    // Docker loses the reason when the main process itself is killed, or any process before the start is answered.
    const hog = await container.exec({ Cmd: ['sh', '-c', 'hog=x; while :; do hog=$hog$hog; done'] });
    await hog.start({ Detach: true });
    await once(events, 'data');
    events.destroy();
    await container.kill();
    await container.wait();
    expect(await postMortemOf(id)).toMatchObject({ status: 'exited', isOomKilled: true });
  });

  it('has the engine’s error when the container could not be started', async () => {
    const container = await docker.createContainer({ Image: specImage, Cmd: ['/no/such/program'] });
    await expect(container.start()).rejects.toThrow('no such file');
    expect(await postMortemOf(container.id)).toMatchObject({
      status: 'created',
      error: expect.stringContaining('/no/such/program'),
      logLines: [],
    });
  });

  it('has the output of its health checks', async () => {
    const id = await start('sleep 60', {
      Healthcheck: {
        Test: ['CMD-SHELL', 'echo cannot connect; exit 1'],
        Interval: 1e8,
        Timeout: 5e9,
        Retries: 1,
      },
    });
    const isUnhealthy = async (): Promise<boolean> => {
      const { State } = await docker.getContainer(id).inspect();
      return State.Health?.Status === 'unhealthy';
    };
    expect(await until(isUnhealthy)).toBe(true);
    const postMortem = await postMortemOf(id);
    expect(postMortem?.health?.status).toBe('unhealthy');
    expect(new Set(postMortem?.health?.log)).toEqual(new Set(['cannot connect']));
  });

  it('has the status and the output of a running container', async () => {
    const id = await start('echo ready; sleep 60');
    const isReady = async (): Promise<boolean> =>
      (await docker.getContainer(id).logs({ stdout: true, follow: false })).includes('ready');
    expect(await until(isReady)).toBe(true);
    const postMortem = await postMortemOf(id);
    expect(postMortem).toMatchObject({ status: 'running', logLines: [stdout('ready')] });
    expect(postMortem?.exitCode).toBeUndefined();
  });

  it.each([false, true])('has the last 50 lines of output (terminal: %s)', async (Tty) => {
    const id = await runToEnd('for i in $(seq 1 120); do echo "line $i"; done', { Tty });
    const { logLines } = (await postMortemOf(id)) ?? {};
    expect(logLines).toEqual(Array.from({ length: 50 }, (_, index) => stdout(`line ${index + 71}`)));
  });

  it('has the lines of stdout and stderr, each with its stream', async () => {
    const script = 'for i in $(seq 1 40); do echo "out $i"; echo "err $i" >&2; done';
    const { logLines = [] } = (await postMortemOf(await runToEnd(script))) ?? {};
    expect(logLines).toHaveLength(50);
    for (const { stream, text } of logLines)
      expect(text).toMatch(stream === 'stdout' ? /^out \d+$/ : /^err \d+$/);
    expect(new Set(logLines.map(({ stream }) => stream)).size).toBe(2);
    expect(logLines.map(({ text }) => text)).toEqual(expect.arrayContaining(['out 40', 'err 40']));
  });

  it('truncates a long line', async () => {
    const id = await runToEnd('echo before; head -c 40000 /dev/zero | tr "\\0" x; echo; echo after');
    const { logLines } = (await postMortemOf(id)) ?? {};
    expect(logLines).toEqual(['before', `${'x'.repeat(1_000)}… (40000 characters)`, 'after'].map(stdout));
  });

  it('lists parts that could not be read, and has the others', async () => {
    const id = await runToEnd('echo lost; exit 4', {
      HostConfig: { LogConfig: { Type: 'none', Config: {} } },
    });
    expect(await postMortemOf(id)).toMatchObject({
      exitCode: 4,
      logLines: [],
      gaps: [expect.stringMatching(/^container logs .*does not support reading/)],
    });
  });

  it('does not delay the removal when the engine does not respond', async () => {
    await using proxy = await openFaultProxy();
    const id = await createIdleContainer();
    proxy.inject({ on: `GET /containers/${id}/logs`, fault: { type: 'swallow' } });
    const { outcome, postMortem } = await cleanupContainer(id, { engine: proxy.address, postMortem: true });
    expect(outcome).toBe('removed');
    expect(postMortem).toMatchObject({ status: 'created', gaps: [expect.stringContaining('logs')] });
    expect(proxy.calls.find(({ path }) => path.includes('/logs'))).not.toHaveProperty('status');
  });

  it('is undefined for a container that is already gone, or without the option', async () => {
    const gone = await cleanupContainer('c0'.repeat(32), { postMortem: true });
    expect(gone).toMatchObject({ outcome: 'already-gone' });
    expect(gone.postMortem).toBeUndefined();
    const id = await createIdleContainer();
    expect((await cleanupContainer(id)).postMortem).toBeUndefined();
  });
});
