import { existsSync, lstatSync } from 'node:fs';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { removeLeftovers } from '../support/leftovers';
import { connectLine, hello, request, type ReaperLine } from '../support/reaper-line';
import { ReaperProgram } from '../support/reaper-program';
import { specImage } from '../support/spec-image';
import { docker, exists, specLabel, uniqueName } from '../support/things';
import { until } from '../support/until';

// One host process serves all sessions of a user on an engine, at a local socket.
let folder: string;
let path: string;

afterAll(() => removeLeftovers());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'castoff-spec-'));
  path = join(folder, 'reaper.sock');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const startHost = (env: Record<string, string> = {}) => new ReaperProgram({ args: ['host', path], env });
const isListening = (host: ReaperProgram) => host.says(/msg=Started/);
const volume = async (name: string) => {
  await docker.createVolume({ Name: name, Labels: { ...specLabel, 'castoff-spec-claim': name } });
  return name;
};

describe('a host process', () => {
  it('reaps the claims of a closed session, keeps those of others, and exits when no session is left', async () => {
    const [mine, others] = [await volume(uniqueName()), await volume(uniqueName())];
    const Labels = { ...specLabel, 'castoff-spec-claim': mine };
    const { id: container } = await docker.createContainer({ Image: specImage, Labels });
    await using host = startHost({ CASTOFF_REAPER_GRACE: '0.1s' });
    await isListening(host);
    using dying = await connectLine({ path });
    using living = await connectLine({ path });
    for (const [line, name] of [
      [dying, mine],
      [living, others],
    ] as const) {
      expect(await line.ask(hello(name))).toMatchObject({ ok: true });
      expect(await line.ask(request('claim', `castoff-spec-claim=${name}`))).toMatchObject({ ok: true });
    }
    dying[Symbol.dispose]();
    expect(await until(async () => !(await exists('volume', mine)))).toBe(true);
    expect(await until(async () => !(await exists('container', container)))).toBe(true);
    expect(await exists('volume', others)).toBe(true);
    expect(await living.ask(request('release', `castoff-spec-claim=${others}`))).toMatchObject({ ok: true });
    living.end();
    expect(await host.exited).toBe(0);
    expect(await exists('volume', others)).toBe(true);
    expect(host.stdout.at(-1)).toMatch(/msg=removed containers=1 networks=0 volumes=1 images=0$/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('keeps resources that are claimed again within the grace period', async () => {
    const mine = await volume(uniqueName());
    await using host = startHost({ CASTOFF_REAPER_GRACE: '5s' });
    await isListening(host);
    for (let times = 0; times < 2; times += 1) {
      using line = await connectLine({ path });
      await line.ask(hello());
      await line.ask(request('claim', `castoff-spec-claim=${mine}`));
      if (times === 1) await line.ask(request('release', `castoff-spec-claim=${mine}`));
    }
    expect(await host.exited).toBe(0);
    expect(host.stdout.join('\n')).not.toMatch(/msg=reaping/);
    expect(await exists('volume', mine)).toBe(true);
  });

  it('listens once: of several processes started together, the others exit with 0', async () => {
    const hosts = Array.from({ length: 3 }, () => startHost());
    const others = await endedWithin(hosts, 2);
    expect(others).toEqual([0, 0]);
    using line = await connectLine({ path });
    expect(await line.ask(hello())).toMatchObject({ ok: true });
    expect(await readdir(folder)).toEqual(['reaper.sock']);
    for (const host of hosts) await host[Symbol.asyncDispose]();
  });

  it('takes over the socket of a killed process, once', async () => {
    const killed = startHost();
    await isListening(killed);
    await killed[Symbol.asyncDispose]();
    expect(existsSync(path)).toBe(true);
    const hosts = Array.from({ length: 3 }, () => startHost());
    expect(await endedWithin(hosts, 2)).toEqual([0, 0]);
    using line = await connectLine({ path });
    expect(await line.ask(hello())).toMatchObject({ ok: true });
    expect(await readdir(folder)).toEqual(['reaper.sock']);
    for (const host of hosts) await host[Symbol.asyncDispose]();
  });

  it('does not listen in a folder that other users can access', async () => {
    await chmod(folder, 0o755);
    await using host = startHost();
    expect(await host.exited).toBe(1);
    await host.says(
      /^castoff reaper: listen at .*: .* is accessible to other users; give a path in a folder of mode 0700$/,
    );
  });

  it('disconnects its clients on SIGTERM, and reaps none of their resources', async () => {
    const mine = await volume(uniqueName());
    await using host = startHost({ CASTOFF_REAPER_GRACE: '0s' });
    await isListening(host);
    using line = await connectLine({ path });
    await line.ask(hello());
    await line.ask(request('claim', `castoff-spec-claim=${mine}`));
    host.process.kill('SIGTERM');
    expect(await host.exited).toBe(0);
    expect(line.hasEnded).toBe(true);
    expect(existsSync(path)).toBe(false);
    expect(host.stdout.join('\n')).not.toMatch(/msg=reaping/);
    expect(await exists('volume', mine)).toBe(true);
  });

  it('exits on SIGTERM while no engine answers, and prints what it leaves', async () => {
    const engine = createServer((_request, response) => response.end('OK'));
    const socketPath = join(folder, 'engine.sock');
    await once(engine.listen(socketPath), 'listening');
    await using host = startHost({ CASTOFF_REAPER_GRACE: '0s', DOCKER_HOST: `unix://${socketPath}` });
    await isListening(host);
    using line = await connectLine({ path });
    expect(await line.ask(hello())).toMatchObject({ ok: true });
    await line.ask(request('claim', 'castoff-spec-claim=away'));
    engine.closeAllConnections();
    await once(engine.close(), 'close');
    line.end();
    await host.says(/wait for the engine to reap/);
    host.process.kill('SIGTERM');
    expect(await host.exited).toBe(1);
    expect(host.stderr.join('\n')).toMatch(/^left: reap castoff-spec-claim=away: /m);
  });

  it('rejects a lease while it cannot reach an engine, and reaps none of its resources later', async () => {
    const mine = await volume(uniqueName());
    const socketPath = join(folder, 'engine.sock');
    await using host = startHost({ CASTOFF_REAPER_GRACE: '0s', DOCKER_HOST: `unix://${socketPath}` });
    await isListening(host);
    using line = await connectLine({ path });
    const claim = request('claim', `castoff-spec-claim=${mine}`);
    line.send(`${JSON.stringify(hello())}\n${JSON.stringify(claim)}\n`);
    const answers = (await line.responses(2)).map((answer) => JSON.parse(answer) as unknown);
    expect(answers).toMatchObject([
      { ok: false, reason: expect.stringContaining(`unix://${socketPath} (DOCKER_HOST): no such socket`) },
      { ok: false },
    ]);
    await symlink('/var/run/docker.sock', socketPath);
    line.end();
    using other = await connectLine({ path });
    expect(await other.ask(hello())).toMatchObject({ ok: true });
    other.end();
    expect(await host.exited).toBe(0);
    expect(host.stdout.join('\n')).not.toMatch(/msg=reaping/);
    expect(await exists('volume', mine)).toBe(true);
  });
});

describe('a host process with a long grace period', () => {
  let host: ReaperProgram;
  let own: string;
  let ownPath: string;
  let staying: ReaperLine;
  beforeAll(async () => {
    own = await mkdtemp(join(tmpdir(), 'castoff-spec-'));
    ownPath = join(own, 'reaper.sock');
    host = new ReaperProgram({ args: ['host', ownPath], env: { CASTOFF_REAPER_GRACE: '1h' } });
    await isListening(host);
    staying = await connectLine({ path: ownPath });
    expect(await staying.ask(hello('the-session'))).toMatchObject({ ok: true });
  });
  afterAll(async () => {
    staying[Symbol.dispose]();
    await host[Symbol.asyncDispose]();
    await rm(own, { recursive: true, force: true });
  });

  it('responds in order, although the response to a hello waits for the engine', async () => {
    using line = await connectLine({ path: ownPath });
    line.send(`${JSON.stringify({ ...hello(), id: 998 })}\n{"id":999,"type":"ping"}\n`);
    const answers = (await line.responses(2)).map((answer) => JSON.parse(answer) as unknown);
    expect(answers).toMatchObject([
      { id: 998, ok: true },
      { id: 999, ok: true },
    ]);
  });

  it('reaps at once after a bye, without the grace period', async () => {
    const mine = await volume(uniqueName());
    using line = await connectLine({ path: ownPath });
    await line.ask(hello());
    await line.ask(request('claim', `castoff-spec-claim=${mine}`));
    expect(await line.ask({ id: 50, type: 'bye' })).toEqual({ id: 50, ok: true });
    expect(await until(async () => !(await exists('volume', mine)))).toBe(true);
  });

  it('lets only its user connect', () => {
    expect(lstatSync(ownPath).mode & 0o777).toBe(0o600);
  });

  it('logs its state on SIGHUP, and keeps running', async () => {
    host.process.kill('SIGHUP');
    expect(await host.says(/msg=state/)).toContain('session the-session');
    expect(await staying.ask({ id: 60, type: 'ping' })).toEqual({ id: 60, ok: true });
  });
});

/** Exit codes of the first `count` programs that exit. */
async function endedWithin(hosts: readonly ReaperProgram[], count: number): Promise<(number | null)[]> {
  const codes: (number | null)[] = [];
  for (const host of hosts) void host.exited.then((code) => codes.push(code));
  await until(() => codes.length >= count);
  return codes.slice();
}
