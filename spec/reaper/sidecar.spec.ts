import { afterAll, describe, expect, it } from '@jest/globals';
import { removeLeftovers } from '../support/leftovers';
import { hello, ReaperLine, request } from '../support/reaper-line';
import { ReaperProgram } from '../support/reaper-program';
import { isLong } from '../support/spec-size';
import { docker, exists, specLabel, uniqueName } from '../support/things';
import { until } from '../support/until';

// The process's standard input is the connection of its only client.
afterAll(() => removeLeftovers());

function attach(env: Record<string, string> = {}): { reaper: ReaperProgram; line: ReaperLine } {
  const reaper = new ReaperProgram({ args: ['sidecar'], env });
  const { stdout, stdin } = reaper.process;
  if (stdout === null || stdin === null) throw new Error('the reaper has no pipes');
  return { reaper, line: new ReaperLine(stdout, stdin) };
}

async function claimedVolume(line: ReaperLine): Promise<string> {
  const name = uniqueName();
  await docker.createVolume({ Name: name, Labels: { ...specLabel, 'castoff-spec-claim': name } });
  expect(await line.ask(request('claim', `castoff-spec-claim=${name}`))).toMatchObject({ ok: true });
  return name;
}

describe('a sidecar', () => {
  it('reaps when its input ends and the grace period expires, and exits', async () => {
    const { reaper, line } = attach({ CASTOFF_REAPER_GRACE: '0.3s' });
    await using _ = reaper;
    expect(await line.ask(hello())).toMatchObject({ ok: true });
    const mine = await claimedVolume(line);
    const endedAtMs = performance.now();
    line.end();
    await reaper.says(/msg=reaping/);
    expect(performance.now() - endedAtMs).toBeGreaterThan(250);
    expect(await reaper.exited).toBe(0);
    expect(await exists('volume', mine)).toBe(false);
  });

  it('removes resources that the engine finishes creating after its client died, and then exits', async () => {
    const { reaper, line } = attach({ CASTOFF_REAPER_WATCH: '2s' });
    await using _ = reaper;
    expect(await line.ask(hello())).toMatchObject({ ok: true });
    const mine = await claimedVolume(line);
    line.end();
    await reaper.says(/msg=reaped/);
    const late = uniqueName();
    await docker.createVolume({ Name: late, Labels: { ...specLabel, 'castoff-spec-claim': mine } });
    expect(await reaper.exited).toBe(0);
    expect(await exists('volume', late)).toBe(false);
    expect(reaper.stderr.at(-1)).toContain('volumes=2');
  });

  it('writes only responses to stdout, and logs to stderr', async () => {
    const { reaper, line } = attach({ RYUK_VERBOSE: 'true' });
    await using _ = reaper;
    line.send('nonsense\nlabel=a\n');
    expect(await line.ask({ id: 3, type: 'ping' }).catch(() => undefined)).toBeUndefined();
    expect(await until(() => line.received.length === 2)).toBe(true);
    expect(line.received).toEqual([
      'NACK no label with a value; send label=<key>=<value>',
      '{"id":3,"ok":true}',
    ]);
    await reaper.says(/^time=.* msg=starting mode=sidecar /);
  });

  const preambles: readonly [string, string][] = [
    ['the body of Podman’s attach and an empty line', '{"AttachStdin":true,"Detach":false}\n\n'],
    ['an empty line', '\n'],
    ['the body of Podman’s attach', '{"AttachStdin":true}\n'],
  ];
  it.each(isLong ? preambles : preambles.slice(0, 1))(
    'passes over %s in front of the first line',
    async (_what, preamble) => {
      const { reaper, line } = attach();
      await using _ = reaper;
      line.send(preamble);
      expect(await line.ask(hello())).toMatchObject({ ok: true });
      expect(line.received).toHaveLength(1);
    },
  );

  it('responds to an invalid first line that has an id', async () => {
    const { reaper, line } = attach();
    await using _ = reaper;
    expect(await line.ask(hello('spec', { protocol: 1 }))).toMatchObject({
      ok: false,
      reason: 'protocol: got 1; this reaper speaks 3: use the reaper of the same castoff version',
    });
  });

  it('rejects a hello when it cannot reach an engine', async () => {
    const { reaper, line } = attach({ DOCKER_HOST: 'unix:///nowhere/docker.sock' });
    await using _ = reaper;
    expect(await line.ask(hello())).toMatchObject({
      ok: false,
      reason: expect.stringContaining('unix:///nowhere/docker.sock (DOCKER_HOST): no such socket'),
    });
  });

  it('reaps at once after a bye and exits, although its input is open and the grace period long', async () => {
    const { reaper, line } = attach({ CASTOFF_REAPER_GRACE: '1h', CASTOFF_REAPER_WATCH: '1h' });
    await using _ = reaper;
    expect(await line.ask(hello())).toMatchObject({ ok: true });
    const mine = await claimedVolume(line);
    expect(await line.ask({ id: 80, type: 'bye' })).toEqual({ id: 80, ok: true });
    expect(await reaper.exited).toBe(0);
    expect(await exists('volume', mine)).toBe(false);
  });

  it('keeps what a bye asks to keep for a while, then reaps it and exits', async () => {
    const { reaper, line } = attach();
    await using _ = reaper;
    expect(await line.ask(hello())).toMatchObject({ ok: true });
    const mine = await claimedVolume(line);
    const saidAtMs = performance.now();
    expect(await line.ask({ id: 81, type: 'bye', keepMs: 2_000 })).toEqual({ id: 81, ok: true });
    line.end();
    expect(await exists('volume', mine)).toBe(true);
    expect(await reaper.exited).toBe(0);
    expect(performance.now() - saidAtMs).toBeGreaterThan(2_000);
    expect(await exists('volume', mine)).toBe(false);
  });

  it('exits early when what it keeps has been removed elsewhere', async () => {
    const { reaper, line } = attach();
    await using _ = reaper;
    expect(await line.ask(hello())).toMatchObject({ ok: true });
    const mine = await claimedVolume(line);
    expect(await line.ask({ id: 82, type: 'bye', keepMs: 120_000 })).toEqual({ id: 82, ok: true });
    line.end();
    await docker.getVolume(mine).remove();
    expect(await reaper.exited).toBe(0);
    expect(reaper.stderr.join('\n')).toContain('nothing is left to keep');
  });

  it('reaps what it keeps at once when it is asked to shut down', async () => {
    const { reaper, line } = attach();
    await using _ = reaper;
    expect(await line.ask(hello())).toMatchObject({ ok: true });
    const mine = await claimedVolume(line);
    expect(await line.ask({ id: 83, type: 'bye', keepMs: 3_600_000 })).toEqual({ id: 83, ok: true });
    line.end();
    reaper.process.kill('SIGTERM');
    expect(await reaper.exited).toBe(0);
    expect(await exists('volume', mine)).toBe(false);
  });

  it('exits at once when its input ends without a lease', async () => {
    const { reaper, line } = attach();
    await using _ = reaper;
    line.end();
    expect(await reaper.exited).toBe(0);
  });

  it('reaps although its outputs have no reader', async () => {
    const { reaper, line } = attach();
    await using _ = reaper;
    await line.ask(hello());
    const mine = await claimedVolume(line);
    reaper.process.stdout?.destroy();
    reaper.process.stderr?.destroy();
    line.send('{"id":90,"type":"ping"}\n');
    line.end();
    expect(await reaper.exited).toBe(0);
    expect(await exists('volume', mine)).toBe(false);
  });

  it('prints what is left, and exits with 1', async () => {
    const { reaper, line } = attach({ RYUK_REMOVE_RETRIES: '1' });
    await using _ = reaper;
    await line.ask(hello());
    const mine = await claimedVolume(line);
    const user = await docker.createContainer({
      Image: 'castoff-spec/busybox:1',
      Labels: specLabel,
      HostConfig: { Binds: [`${mine}:/data`] },
    });
    line.end();
    expect(await reaper.exited).toBe(1);
    await reaper.says(new RegExp(`^left: volume ${mine} .*in use`));
    await user.remove();
  });
});
