import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { removeLeftovers } from '../support/leftovers';
import { connectLine, hello, request, type ReaperLine } from '../support/reaper-line';
import { ReaperProgram } from '../support/reaper-program';
import { docker, exists, specLabel, uniqueName } from '../support/things';
import { until } from '../support/until';

// The program itself, over TCP, with invalid input. A volume on the engine has the label that all of it names.
let bystander: string;

beforeAll(async () => {
  bystander = uniqueName();
  await docker.createVolume({
    Name: bystander,
    Labels: { ...specLabel, 'org.testcontainers': 'true', mine: 'yes' },
  });
});

afterAll(() => removeLeftovers());

const quick = { RYUK_PORT: '0', RYUK_RECONNECTION_TIMEOUT: '50ms' };

async function start(env: Record<string, string> = {}): Promise<{ reaper: ReaperProgram; port: number }> {
  const reaper = new ReaperProgram({ env: { ...quick, ...env } });
  return { reaper, port: await reaper.port() };
}

describe('an invalid line', () => {
  let reaper: ReaperProgram;
  let port: number;
  let line: ReaperLine;

  beforeAll(async () => ({ reaper, port } = await start()));
  beforeEach(async () => (line = await connectLine({ port })));
  afterEach(() => line[Symbol.dispose]());

  afterAll(async () => {
    const last = await connectLine({ port });
    last.send(`label=castoff-spec-nothing=${uniqueName()}\n`);
    await last.responses(1);
    last.end();
    expect(await reaper.exited).toBe(0);
    expect(reaper.stdout.at(-1)).toMatch(/msg=removed containers=0 networks=0 volumes=0 images=0$/);
    expect(await exists('volume', bystander)).toBe(true);
  });

  it.each([
    ['garbage', 'hello?', /^NACK a filter by "hello\?"/],
    ['invalid UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0x80]), /^NACK invalid UTF-8$/],
    ['a broken percent sign', 'label=mine%zz=yes', /^NACK invalid percent-encoding$/],
    ['a label without key and value', 'label=', /^NACK a label without a key/],
    ['a label without a value', 'label=mine', /^NACK no label with a value/],
    ['another filter', 'status=running', /^NACK a filter by "status"/],
    ['another filter beside a label', 'label=mine=yes&status=running', /^NACK a filter by "status"/],
    ['more than 64 KiB', `label=mine=${'y'.repeat(65_536)}`, /^NACK line longer than 65536 bytes$/],
    [
      'half a JSON object',
      '{"id":1,"type":"claim","labels":["mine=yes"]',
      /"reason":"not a JSON object on one line"/,
    ],
    [
      'a request of another protocol version',
      '{"id":7,"type":"hello","protocol":9}',
      /^{"id":7,"ok":false,"reason":"protocol: got 9;/,
    ],
    ['a claim without labels', '{"id":8,"type":"claim"}', /^{"id":8,"ok":false,"reason":"labels: missing;/],
    [
      'a release of a claim that is not held',
      '{"id":9,"type":"release","labels":["mine=yes"]}',
      /^{"id":9,"ok":false,"reason":"this connection does not hold mine=yes"}$/,
    ],
  ])('gets a response with the reason, and opens no lease: %s', async (_what, bytes, reason) => {
    line.send(Buffer.concat([Buffer.from(bytes), Buffer.from('\n{"id":1,"type":"ping"}\r\n')]));
    const [refusal, pong] = await line.responses(2);
    expect(refusal).toMatch(reason);
    expect(pong).toBe('{"id":1,"ok":true}');
    expect(reaper.stdout.join('\n')).not.toMatch(/adding filter/);
  });

  it('gets no response when it is empty', async () => {
    line.send('\n\r\n\n{"id":1,"type":"ping"}\n');
    expect(await line.responses(1)).toEqual(['{"id":1,"ok":true}']);
  });

  it('has no effect when the connection ends in the middle of it', async () => {
    line.send('label=org.testcontainers=true');
    line.end();
    expect(await until(() => line.hasEnded)).toBe(true);
    expect(reaper.stdout.join('\n')).not.toMatch(/adding filter/);
  });

  it('has no effect when an RST arrives in the middle of it', async () => {
    line.send('label=org.testcontainers=tr');
    line.reset();
    const other = await connectLine({ port });
    other.send('{"id":1,"type":"ping"}\n');
    expect(await other.responses(1)).toEqual(['{"id":1,"ok":true}']);
    other[Symbol.dispose]();
  });
});

describe('a client of another protocol', () => {
  let reaper: ReaperProgram;
  let port: number;
  let victim: string;
  let claim: string;
  /** Holds a lease, so that the reaper keeps running. */
  let last: ReaperLine;

  beforeAll(async () => {
    ({ reaper, port } = await start());
    last = await connectLine({ port });
    last.send(`label=castoff-spec-nothing=${uniqueName()}\n`);
    expect(await last.responses(1)).toEqual(['ACK']);
    victim = uniqueName();
    claim = `label=castoff.session=${victim}`;
    await docker.createVolume({ Name: victim, Labels: { ...specLabel, 'castoff.session': victim } });
  });

  afterAll(async () => {
    last.end();
    expect(await reaper.exited).toBe(0);
    expect(reaper.stdout.join('\n')).not.toContain(victim);
    expect(await exists('volume', victim)).toBe(true);
  });

  it('cannot make a claim with the body of a request from a web page', async () => {
    const headers = { 'content-type': 'text/plain' };
    const call = fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: `${claim}\n` });
    await expect(call).rejects.toThrow('fetch failed');
    await reaper.says(/msg="client refused" .*error="the client speaks HTTP"/);
  });

  it.each<[string, readonly (string | Buffer)[]]>([
    ['HTTP in pieces', ['PO', 'ST / HT', 'TP/1.1\r', '\nHo', 'st: x\r\n\r\n']],
    ['an overlong request line', [`POST /${'x'.repeat(70_000)} HTTP/1.1\r\n`, 'Host: x\r\n\r\n']],
    ['HTTP/2', ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n']],
    ['TLS with a ticket that contains lines', [Buffer.from([0x16, 3, 1, 2, 0]), '\n']],
  ])('is disconnected before its lines have an effect: %s', async (_what, pieces) => {
    using line = await connectLine({ port });
    for (const piece of [...pieces, `${claim}\n`]) line.send(piece);
    expect(await until(() => line.hasEnded)).toBe(true);
    expect(line.received).not.toContain('ACK');
  });

  it('loses its earlier claims, which are not reaped', async () => {
    const other = uniqueName();
    await docker.createVolume({ Name: other, Labels: { ...specLabel, 'castoff.session': other } });
    using line = await connectLine({ port });
    line.send(`label=castoff.session=${other}\nPOST / HTTP/1.1\r\n`);
    expect(await until(() => line.hasEnded)).toBe(true);
    await reaper.says(new RegExp(`msg="removing filter" claim="castoff.session=${other}"`));
    expect(await exists('volume', other)).toBe(true);
  });
});

describe('the reaper', () => {
  it('responds ACK to invalid lines, without any effect, with RYUK_COMPAT=strict', async () => {
    const { reaper, port } = await start({ RYUK_COMPAT: 'strict', RYUK_CONNECTION_TIMEOUT: '1s' });
    await using _ = reaper;
    using line = await connectLine({ port });
    line.send('status=running\nlabel=\nlabel=mine%zz=yes\n');
    expect(await line.responses(3)).toEqual(['ACK', 'ACK', 'ACK']);
    expect(await reaper.exited).toBe(0);
    expect(await exists('volume', bystander)).toBe(true);
  });

  it('accepts only claims with a claimable key', async () => {
    const { reaper, port } = await start({ CASTOFF_REAPER_CLAIMABLE_KEYS: 'team' });
    await using _ = reaper;
    using line = await connectLine({ port });
    line.send(`label=mine=yes\nlabel=team=${bystander}\n`);
    expect(await line.responses(2)).toEqual([
      'NACK no claimable label; at least one key must be one of team',
      'ACK',
    ]);
    line.end();
    expect(await reaper.exited).toBe(0);
    expect(await exists('volume', bystander)).toBe(true);
  });

  it('rejects the requests of a client that has not sent the token', async () => {
    const { reaper, port } = await start({ CASTOFF_REAPER_TOKEN: 'secret' });
    await using _ = reaper;
    using line = await connectLine({ port });
    line.send('label=mine=yes\n');
    expect(await line.responses(1)).toEqual([
      'NACK this reaper requires a token; send a hello or token=<token> with it first',
    ]);
    expect(await line.ask(request('claim', 'mine=yes'))).toMatchObject({ ok: false });
    expect(await line.ask(hello('spec', { token: 'secre' }))).toMatchObject({ ok: false });
    expect(await line.ask(hello('spec', { token: 'secret' }))).toMatchObject({ ok: true, version: '0.1.0' });
    line.send('label=a=b\n');
    expect(await line.responses(1)).toEqual(['ACK']);
    expect(reaper.stdout.join('\n')).not.toContain('secret');
  });

  it('prints one line and exits with 1 for an invalid setting', async () => {
    await using reaper = new ReaperProgram({ env: { RYUK_SHUTDOWN_TIMEOUT: '1e9h' } });
    expect(await reaper.exited).toBe(1);
    await reaper.says(/^castoff reaper: RYUK_SHUTDOWN_TIMEOUT: got "1e9h"; use /);
    expect([...reaper.stdout, ...reaper.stderr]).toHaveLength(1);
  });

  it('does not start without an engine', async () => {
    await using reaper = new ReaperProgram({
      env: { ...quick, DOCKER_HOST: 'unix:///nowhere/docker.sock' },
    });
    expect(await reaper.exited).toBe(1);
    await reaper.says(/^castoff reaper: find a Docker engine: unix:\/\/\/nowhere\/docker\.sock/);
  });

  it('closes the connection of a dismissed client that does not read', async () => {
    const { reaper, port } = await start({ CASTOFF_REAPER_MAX_CONNECTIONS: '1' });
    await using _ = reaper;
    const descriptors = () => readdirSync(`/proc/${reaper.process.pid}/fd`).length;
    const before = descriptors();
    const deaf = connect({ port });
    const isClosed = new Promise((resolve) => deaf.once('close', resolve));
    deaf.on('error', () => {});
    const flood = Buffer.from('status=running\n'.repeat(65_536));
    for (let times = 0; times < 40; times += 1) deaf.write(flood);
    await reaper.says(/msg="line refused"/);
    using line = await connectLine({ port });
    line.send('label=castoff-spec-many=1\n');
    expect(await line.responses(1)).toEqual(['ACK']);
    await isClosed;
    expect(await until(() => descriptors() <= before + 1)).toBe(true);
  });

  it('rejects a new client when every connection holds a lease', async () => {
    const { reaper, port } = await start({ CASTOFF_REAPER_MAX_CONNECTIONS: '2' });
    await using _ = reaper;
    using one = await connectLine({ port });
    using two = await connectLine({ port });
    for (const line of [one, two]) line.send('label=castoff-spec-many=1\n');
    expect([...(await one.responses(1)), ...(await two.responses(1))]).toEqual(['ACK', 'ACK']);
    using three = await connectLine({ port });
    expect(await three.responses(1)).toEqual(['NACK 2 clients are connected already']);
    expect(await until(() => three.hasEnded)).toBe(true);
  });
});

describe('the reaper of many clients', () => {
  let reaper: ReaperProgram;
  let port: number;

  // Their claims are not reaped while the specs run.
  beforeAll(async () => ({ reaper, port } = await start({ RYUK_RECONNECTION_TIMEOUT: '10m' })));
  afterAll(() => reaper[Symbol.asyncDispose]());

  it('stops reading from a client that never reads, and still serves others', async () => {
    const deaf = connect({ port });
    deaf.on('error', () => {});
    const flood = Buffer.from('status=running\n'.repeat(65_536));
    const written = { count: 0 };
    const push = () => deaf.write(flood, () => (written.count += 1));
    for (let times = 0; times < 40; times += 1) push();
    using line = await connectLine({ port });
    line.send('label=castoff-spec-many=1\n');
    expect(await line.responses(1)).toEqual(['ACK']);
    // It stops reading: most of the flood stays with the sender.
    expect(written.count).toBeLessThan(40);
    deaf.destroy();
  });

  it('responds to a thousand filters of one client in order', async () => {
    using line = await connectLine({ port });
    const filters = Array.from({ length: 1_000 }, (_unused, index) =>
      index % 10 === 9 ? 'status=running' : `label=castoff-spec-many=${index}`,
    );
    line.send(`${filters.join('\n')}\n`);
    const answers = await line.responses(1_000);
    expect(answers.map((answer) => answer.slice(0, 4))).toEqual(
      filters.map((filter) => (filter.startsWith('label') ? 'ACK' : 'NACK')),
    );
  });

  it('serves clients that send lines while silent connections exceed its limit', async () => {
    using first = await connectLine({ port });
    first.send('label=castoff-spec-many=first\n');
    expect(await first.responses(1)).toEqual(['ACK']);
    const silent: Socket[] = [];
    for (let batch = 0; batch < 11; batch += 1) {
      const opened = Array.from({ length: 100 }, () => openSilently(port));
      silent.push(...(await Promise.all(opened)));
    }
    using speaker = await connectLine({ port });
    speaker.send('label=castoff-spec-many=speaker\n');
    expect(await speaker.responses(1)).toEqual(['ACK']);
    expect(first.hasEnded).toBe(false);
    for (const socket of silent) socket.destroy();
  });

  it('limits the claims of one client, and still accepts claims of others', async () => {
    const { reaper: fresh, port: ownPort } = await start();
    await using _ = fresh;
    using line = await connectLine({ port: ownPort });
    const claims = Array.from({ length: 10_001 }, (_unused, claim) => `label=castoff-spec-many=${claim}\n`);
    line.send(claims.join(''));
    // A thousand at a time: all of them take long on a busy machine.
    const answers = await line.responses(1);
    for (let thousand = 1; thousand <= 10; thousand += 1) answers.push(...(await line.responses(1_000)));
    expect(answers.filter((answer) => answer === 'ACK')).toHaveLength(10_000);
    expect(answers.at(-1)).toBe('NACK too many claims');
    using other = await connectLine({ port: ownPort });
    other.send('label=castoff-spec-many=other\n');
    expect(await other.responses(1)).toEqual(['ACK']);
  });
});

function openSilently(port: number): Promise<Socket> {
  const socket = connect({ port });
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(socket));
    socket.on('error', () => resolve(socket));
    // Dismissed in favour of other clients: this side's descriptor closes, too.
    socket.on('data', () => {});
  });
}
