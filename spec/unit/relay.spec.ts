import { once } from 'node:events';
import { linkSync, renameSync, rmSync, statSync, unlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import { Duplex } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { CreateOutcome } from '../../lib/capture/create-response';
import type { RelayedCreation } from '../../lib/relay/creation';
import { openRelay, type RelayOptions } from '../../lib/relay/relay';
import { readRemoval } from '../../lib/relay/removal-request';
import { open, openRelayStage, readAll, readBytes, readUntil } from '../support/relay-stage';
import { until } from '../support/until';

const headEnd = '\r\n\r\n';
const id = 'c'.repeat(64);
const created = `{"Id":"${id}","Warnings":[]}\n`;

function request(method: string, path: string, fields: readonly string[] = [], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${body.length}`];
  return `${[`${method} ${path} HTTP/1.1`, 'Host: docker', ...fields, ...length].join('\r\n')}${headEnd}${body}`;
}

function answer(status: string, fields: readonly string[] = [], body = ''): string {
  return `${[`HTTP/1.1 ${status}`, ...fields].join('\r\n')}${headEnd}${body}`;
}

function cut(text: string, at: readonly number[]): readonly string[] {
  const places = [0, ...at.map((place) => place % (text.length + 1)), text.length].toSorted((a, b) => a - b);
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}

const answerWith = (body: string, status = '200 OK'): string =>
  answer(status, [`Content-Length: ${body.length}`], body);

const chunked = (parts: readonly string[]): string =>
  [...parts, ''].map((part) => `${part.length.toString(16)}\r\n${part}\r\n`).join('');

/** Answers every request without a body. */
function answering(text: string, requests: string[] = []): (socket: Socket) => void {
  return (socket) => {
    void (async () => {
      for (
        let head = await readUntil(socket, headEnd);
        head !== '';
        head = await readUntil(socket, headEnd)
      ) {
        requests.push(head);
        socket.write(text);
      }
      socket.end();
    })();
  };
}

/** A relay that labels every creation, with what it saw of them. */
function labelling(labels = { 'castoff.session': 's1' }) {
  const creations: RelayedCreation[] = [];
  const outcomes: (CreateOutcome | undefined)[] = [];
  const onCreation: RelayOptions['onCreation'] = (creation) => {
    creations.push(creation);
    const settle = (outcome: CreateOutcome | undefined): Promise<void> => {
      outcomes.push(outcome);
      return Promise.resolve();
    };
    return Promise.resolve({ labels, settle });
  };
  return { creations, outcomes, onCreation };
}

/** Serves one connection with one create request. Resolves to its head and body. */
function servingOne(respond: (socket: Socket) => void) {
  const received = Promise.withResolvers<{ head: string; body: string }>();
  const engine = async (socket: Socket): Promise<void> => {
    const head = await readUntil(socket, headEnd);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    received.resolve({ head, body: await readBytes(socket, length) });
    respond(socket);
  };
  return { engine: (socket: Socket) => void engine(socket), received: received.promise };
}

describe('a relay', () => {
  it('passes requests and answers on unchanged, wherever they are split, several on one connection', async () => {
    const text = fc.string({ maxLength: 30, unit: 'binary-ascii' });
    const framed = fc.tuple(text, fc.boolean()).map(([body, isChunked]) => ({
      field: isChunked ? 'transfer-encoding: chunked' : `CONTENT-LENGTH:${body.length}`,
      body: isChunked ? chunked(body === '' ? [] : [body]) : body,
    }));
    const exchange = fc.record({
      request: framed.map(({ field, body }) => `POST /x HTTP/1.1\r\nHost: a\r\n${field}${headEnd}${body}`),
      answer: framed.map(({ field, body }) => answer('200 OK', ['Odd:  spelling ', field], body)),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(exchange, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        async (exchanges, at) => {
          const sent = exchanges.map((one) => one.request).join('');
          let received = '';
          const engine = async (socket: Socket): Promise<void> => {
            for (const one of exchanges) {
              received += await readBytes(socket, one.request.length);
              for (const part of cut(one.answer, at)) socket.write(part);
            }
          };
          await using stage = await openRelayStage((socket) => void engine(socket));
          const client = await stage.connect();
          for (const part of cut(sent, at)) client.write(part);
          const answers = exchanges.map((one) => one.answer).join('');
          expect(await readBytes(client, answers.length)).toBe(answers);
          expect(received).toBe(sent);
          expect(stage.errors).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('passes on bytes that are no HTTP/1, in both directions', async () => {
    await using stage = await openRelayStage((socket) => void socket.pipe(socket));
    const client = await stage.connect();
    client.end(`PRI * HTTP/2.0${headEnd}\0\u0001`);
    expect(await readAll(client)).toBe(`PRI * HTTP/2.0${headEnd}\0\u0001`);
  });

  it('passes on an incomplete request, and what an engine sends unasked', async () => {
    await using stage = await openRelayStage((socket) => {
      void readAll(socket).then((received) => socket.end(answerWith(received, '400 Bad Request')));
    });
    const client = await stage.connect();
    client.end('GET /half HTTP/1.1\r\nHost:');
    expect(await readAll(client)).toContain('GET /half HTTP/1.1\r\nHost:');
  });

  it.each([
    ['with', ['Upgrade: tcp', 'Connection: Upgrade'], '101 UPGRADED'],
    ['without', [], '200 OK'],
  ])(
    'carries raw bytes after attach %s an upgrade; head and body leave in one write',
    async (_, fields, status) => {
      const writes: string[] = [];
      await using stage = await openRelayStage((socket) => {
        socket.on('data', (bytes) => {
          writes.push(bytes.toString());
          if (writes.length === 1)
            socket.write(answer(status, ['Content-Type: application/vnd.docker.raw-stream'], 'early'));
          else socket.write(`<${bytes.toString()}>`);
        });
        socket.on('end', () => socket.end('last'));
      });
      const client = await stage.connect();
      const sent = request('POST', '/v1.41/containers/c1/attach?stdin=1', fields, '{"a":1}');
      client.write(sent.slice(0, -3));
      await until(() => client.bytesWritten > 0, 1_000);
      client.write(`${sent.slice(-3)}GET /raw HTTP/1.1${headEnd}`);
      expect(await readUntil(client, 'early')).toContain(status);
      expect(await readUntil(client, '>')).toBe(`<GET /raw HTTP/1.1${headEnd}>`);
      client.end('stdin');
      expect(await readAll(client)).toBe('<stdin>last');
      expect(writes[0]).toBe(sent);
    },
  );

  it('hands on the end of the output while the client still writes', async () => {
    const received = Promise.withResolvers<string>();
    await using stage = await openRelayStage((socket) => {
      void readUntil(socket, headEnd)
        .then(() => readAll(socket.end(answer('101 UPGRADED', ['Upgrade: h2c'], 'out'))))
        .then(received.resolve);
    });
    const client = await stage.connect();
    client.write(request('POST', '/session', ['Upgrade: h2c', 'Connection: Upgrade']));
    expect(await readAll(client)).toMatch(/out$/);
    client.end('still in');
    expect(await received.promise).toBe('still in');
  });

  it('hands an endless answer on as it arrives, and its end to the engine when the client disconnects', async () => {
    const ended = Promise.withResolvers<string>();
    await using stage = await openRelayStage((socket) => {
      socket.once('data', () =>
        socket.write(answer('200 OK', ['Transfer-Encoding: chunked'], '3\r\none\r\n')),
      );
      socket.once('end', () => ended.resolve('ended'));
    });
    const client = await stage.connect();
    client.write(request('GET', '/v1.41/events'));
    await readUntil(client, 'one');
    client.destroy();
    expect(await ended.promise).toBe('ended');
  });

  it('lets an engine wait for a slow client, and loses nothing', async () => {
    const size = 8 * 1024 * 1024;
    let sent = 0;
    await using stage = await openRelayStage((socket) => {
      const write = (): void => {
        while (sent < size && socket.write(Buffer.alloc(65_536, 'x'))) sent += 65_536;
      };
      socket.once('data', () => {
        socket.write(answer('200 OK', [`Content-Length: ${2 * size}`]));
        write();
      });
      socket.on('drain', () => {
        sent += 65_536;
        write();
      });
    });
    const client = await stage.connect();
    client.pause();
    client.write(request('GET', '/v1.41/containers/c1/archive?path=/'));
    await until(() => sent > 0, 1_000);
    await settled(() => sent);
    expect(sent).toBeLessThan(size / 2);
    expect((await readBytes(client, size)).length).toBe(size);
  });

  it('answers 502 with the reason when the engine cannot be reached', async () => {
    await using stage = await openRelayStage(() => undefined, {
      connect: () => Promise.reject(new Error('ECONNREFUSED')),
    });
    const client = await stage.connect();
    client.write(request('GET', '/_ping'));
    const text = await readAll(client);
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(text).toContain('{"message":"castoff run: connect to the engine: ECONNREFUSED"}');
    expect(stage.errors).toEqual(['connect to the engine: Error: ECONNREFUSED']);
  });

  it('answers 502 with the reason when the connection to the engine fails before any answer', async () => {
    const failing = (): Promise<Duplex> =>
      Promise.resolve(
        new Duplex({
          read: () => undefined,
          write(_chunk, _encoding, done) {
            done();
            this.destroy(Object.assign(new Error('exit code 255: no route'), { code: 'ESSH' }));
          },
        }),
      );
    const { outcomes, onCreation } = labelling();
    await using stage = await openRelayStage(() => undefined, { connect: failing, onCreation });
    const client = await stage.connect();
    client.write(request('POST', '/containers/create', [], '{}'));
    const text = await readAll(client);
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(text).toContain('{"message":"castoff run: connect to the engine: exit code 255: no route"}');
    expect({ outcomes, errors: stage.errors }).toEqual({ outcomes: [undefined], errors: [] });
  });

  it('ends the connection of a client whose engine resets it in the middle of an answer', async () => {
    await using stage = await openRelayStage((socket) => {
      socket.once('data', () =>
        socket.write(answer('200 OK', ['Content-Length: 9'], 'half'), () => socket.destroy()),
      );
    });
    const client = await stage.connect();
    client.write(request('GET', '/info'));
    expect(await readAll(client)).toMatch(/half$/);
  });

  it('survives any bytes from both sides, and any end, and settles every creation', async () => {
    const { creations, outcomes, onCreation } = labelling();
    const texts = [
      request('GET', '/info'),
      request('POST', '/containers/create', [], '{}'),
      'POST /build HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n',
      '3\r\nabc\r\n',
      '0\r\n\r\n',
      '\r\n',
      'zz',
      answerWith('{"Id":"x"}'),
      answer('100 Continue'),
      answer('101 UPGRADED'),
      answer('200 OK'),
      'HTTP/1.1 ',
    ];
    const part = fc.constantFrom(...texts);
    const parts = fc.array(part, { maxLength: 5 });
    const ending = fc.constantFrom('end', 'destroy', 'none');
    let script: { readonly answers: readonly string[]; readonly end: string } = { answers: [], end: 'none' };
    await using stage = await openRelayStage(
      (socket) => {
        const { answers, end } = script;
        socket.once('data', () => {
          for (const one of answers) socket.write(one);
          if (end !== 'none') socket[end as 'end' | 'destroy']();
        });
      },
      { onCreation },
    );
    await fc.assert(
      fc.asyncProperty(parts, parts, ending, ending, async (sent, answers, clientEnd, engineEnd) => {
        script = { answers, end: engineEnd };
        const client = await stage.connect();
        for (const one of sent) client.write(one);
        if (clientEnd === 'end') client.end();
        await new Promise((resolve) => setImmediate(resolve));
        client.destroy();
      }),
      { numRuns: 300 },
    );
    await stage.relay.close();
    expect(outcomes).toHaveLength(creations.length);
    expect(creations.length).toBeGreaterThan(0);
    expect(stage.errors).toEqual([]);
  });

  it('ends only the connection on which its owner fails, and reports why', async () => {
    await using stage = await openRelayStage(answering(answerWith('{}')), {
      onRequest: (_, path) =>
        path === '/fail' ? Promise.reject(new Error('defect')) : Promise.resolve(undefined),
    });
    const [failing, other] = [await stage.connect(), await stage.connect()];
    failing.write(request('GET', '/fail'));
    expect(await readAll(failing)).toBe('');
    other.write(request('GET', '/info'));
    expect(await readUntil(other, '{}')).toContain('200 OK');
    expect(stage.errors).toEqual(['relay a connection to the engine: Error: defect']);
  });

  const progress = (...lines: readonly string[]): string =>
    answer('200 OK', ['Transfer-Encoding: chunked'], chunked(lines));
  it.each([
    ['succeeds', true, answerWith('', '201 Created')],
    ['is refused', false, answerWith('{"message":"no such image"}', '404 Not Found')],
    ['succeeds after its progress', true, progress('{"stream":"a"}\n', '{"stream":"b"}\n')],
    ['fails after its progress', false, progress('{"stream":"a"}\n', '{"error":"no"}\n')],
    ['is cut off in its progress', false, progress('{"stream":"a"}\n').slice(0, -5)],
    ['gets no answer', false, ''],
  ])('lets its owner know the result of a request that %s', async (_, expected, text) => {
    const results: boolean[] = [];
    await using stage = await openRelayStage(
      (socket) => void readUntil(socket, headEnd).then(() => socket.end(text)),
      { onRequest: () => Promise.resolve((isDone) => void results.push(isDone)) },
    );
    const client = await stage.connect();
    client.write(request('POST', '/v1.41/images/app/tag?repo=app'));
    expect(await readAll(client)).toBe(text);
    expect(results).toEqual([expected]);
  });

  it('measures how long the engine takes, by call', async () => {
    await using stage = await openRelayStage(answering(answerWith('{}')));
    const client = await stage.connect();
    for (const [method, path] of [
      ['GET', '/v1.41/info'],
      ['POST', '/v1.41/containers/c1/start'],
      ['POST', '/images/create?fromImage=redis&tag=7'],
      ['DELETE', '/v1.41/containers/c1?force=1'],
      ['POST', '/v1.41/exec/e1/start'],
      ['POST', '/containers/prune'],
      ['POST', '/v4.3.1/libpod/images/pull?reference=redis'],
    ] as const) {
      client.write(request(method, path));
      await readUntil(client, '{}');
    }
    const counts = stage.relay.account().map(({ call, count }) => [call, count]);
    expect(Object.fromEntries(counts)).toEqual({ other: 1, start: 1, pull: 2, remove: 2, exec: 1 });
    expect(stage.relay.account().every(({ totalMs }) => totalMs > 0 && totalMs < 60_000)).toBe(true);
  });
});

/** Resolves when a number no longer changes. */
async function settled(read: () => number): Promise<void> {
  let before = Number.NaN;
  await until(
    () => {
      const isSettled = read() === before;
      before = read();
      return isSettled;
    },
    undefined,
    100,
  );
}

describe('a creation', () => {
  const body = '{"Image":"redis","HostConfig":{"Memory":9223372036854775807},"Labels":{"mine":"1"}}';
  const path = '/v1.41/containers/create?name=web';

  it.each([
    ['with a length', [], body],
    ['in chunks', ['Transfer-Encoding: chunked', 'Trailer: X'], chunked([body.slice(0, 20), body.slice(20)])],
    ['after 100 Continue', ['Expect: 100-continue'], body],
  ])(
    'gets labels in its body, sent %s, and its other content stays exactly as it was',
    async (how, fields, text) => {
      const { creations, outcomes, onCreation } = labelling();
      const { engine, received } = servingOne((socket) => socket.write(answerWith(created, '201 Created')));
      await using stage = await openRelayStage(engine, { onCreation });
      const client = await stage.connect();
      const framing = fields[0]?.startsWith('Transfer') === true ? [] : [`Content-Length: ${text.length}`];
      client.write(request('POST', path, ['X-Meta: 1', ...fields, ...framing]));
      if (how === 'after 100 Continue') expect(await readUntil(client, headEnd)).toMatch(/^HTTP\/1\.1 100 /);
      client.write(text);
      const { head, body: sent } = await received;
      expect(head).toMatch(
        /^POST \/v1\.41\/containers\/create\?name=web HTTP\/1\.1\r\nHost: docker\r\nX-Meta: 1\r\n/,
      );
      expect(head).not.toMatch(/chunked|trailer|expect/i);
      expect(sent).toContain('"HostConfig":{"Memory":9223372036854775807}');
      expect(JSON.parse(sent)).toMatchObject({
        Image: 'redis',
        Labels: { mine: '1', 'castoff.session': 's1', 'castoff.kind': 'container' },
      });
      expect(await readUntil(client, created)).toBe(answerWith(created, '201 Created'));
      expect(creations).toMatchObject([
        { path, request: { kind: 'container', name: 'web', image: 'redis' } },
      ]);
      expect(outcomes).toEqual([{ isCreated: true, id }]);
    },
  );

  it.each([
    ['/v1.41/networks/create', '{"Name":"n1"}', { kind: 'network', name: 'n1' }],
    ['/volumes/create', '{"Name":"v1"}', { kind: 'volume', name: 'v1' }],
  ])('of %s gets labels in its body', async (where, text, expected) => {
    const { creations, onCreation } = labelling();
    const { engine, received } = servingOne((socket) => socket.write(answerWith(text)));
    await using stage = await openRelayStage(engine, { onCreation });
    const client = await stage.connect();
    client.write(request('POST', where, [], text));
    expect(JSON.parse((await received).body)).toMatchObject({ Labels: { 'castoff.session': 's1' } });
    expect(creations).toMatchObject([{ request: expected }]);
  });

  const ours = { mine: '1', 'castoff.session': 's1' };
  it.each([
    [
      'containers',
      '{"name":"pc1","labels":{"mine":"1"},"stop_timeout":10,"image":"redis","remove":true}',
      `{"Id":"${id}","Warnings":[]}`,
      { kind: 'container', name: 'pc1', image: 'redis', labels: { mine: '1' }, isAutoRemoved: true },
      { stop_timeout: 10, labels: ours },
    ],
    [
      'networks',
      '{"name":"pn1","id":"","driver":"bridge","labels":{"mine":"1"}}',
      `{"name":"pn1","id":"${id}","driver":"bridge"}`,
      { kind: 'network', name: 'pn1', labels: { mine: '1' }, isAutoRemoved: false },
      { driver: 'bridge', labels: ours },
    ],
    [
      'volumes',
      '{"Name":"pv1","Driver":"local","Label":{"mine":"1"},"Labels":null,"Options":{}}',
      `{"Name":"${id}","Driver":"local","Labels":{"mine":"1"}}`,
      { kind: 'volume', name: 'pv1', labels: { mine: '1' } },
      { Driver: 'local', Label: ours, Labels: ours },
    ],
  ])("of Podman's own API gets labels in its body: %s", async (list, text, response, expected, sent) => {
    const { creations, outcomes, onCreation } = labelling();
    const { engine, received } = servingOne((socket) => socket.write(answerWith(response, '201 Created')));
    await using stage = await openRelayStage(engine, { onCreation });
    const client = await stage.connect();
    client.write(request('POST', `/v4.3.1/libpod/${list}/create`, [], text));
    expect(JSON.parse((await received).body)).toMatchObject(sent);
    await readUntil(client, response);
    expect(creations).toMatchObject([{ request: expected }]);
    expect(outcomes).toEqual([{ isCreated: true, id }]);
  });

  const image = `sha256:${'5'.repeat(64)}`;
  it.each([
    [
      '/build?t=app',
      `{"stream":"Step 1"}\r\n{"aux":{"ID":"${image}"}}\r\n`,
      /&labels=%7B%22castoff\.session/,
    ],
    ['/images/create?fromSrc=-&repo=app', `{"status":"${image}"}\r\n`, /&changes=LABEL%20castoff\.session/],
    ['/commit?container=c1&repo=app', `{"Id":"${image}"}\n`, /&changes=LABEL%20castoff\.session/],
  ])(
    'of POST %s gets labels in its path, and its id is found in what it answers',
    async (where, text, labels) => {
      const { creations, outcomes, onCreation } = labelling();
      const { engine, received } = servingOne((socket) =>
        socket.write(
          answer('200 OK', ['Transfer-Encoding: chunked'], chunked([text.slice(0, 9), text.slice(9)])),
        ),
      );
      await using stage = await openRelayStage(engine, { onCreation });
      const client = await stage.connect();
      client.write(request('POST', where, ['Transfer-Encoding: chunked']) + chunked(['context']));
      expect(await readUntil(client, '0\r\n\r\n')).toContain(text.slice(9));
      expect((await received).head).toMatch(labels);
      expect(creations).toMatchObject([{ request: { kind: 'image', name: 'app' } }]);
      expect(outcomes).toEqual([{ isCreated: true, id: image }]);
    },
  );

  it('of an image reports its progress at once, and its end when the outcome is recorded', async () => {
    const recorded = Promise.withResolvers<void>();
    const settling = Promise.withResolvers<void>();
    const seen = Promise.withResolvers<void>();
    await using stage = await openRelayStage(
      servingOne((socket) => {
        socket.write(answer('200 OK', ['Transfer-Encoding: chunked'], '5\r\nstep\n\r\n'));
        void seen.promise.then(() => socket.write(chunked([`{"aux":{"ID":"${image}"}}`])));
      }).engine,
      {
        onCreation: () =>
          Promise.resolve({
            labels: {},
            settle() {
              settling.resolve();
              return recorded.promise;
            },
          }),
      },
    );
    const client = await stage.connect();
    client.write(request('POST', '/build'));
    expect(await readUntil(client, 'step')).toContain('200 OK');
    seen.resolve();
    await settling.promise;
    recorded.resolve();
    expect(await readUntil(client, '0\r\n\r\n')).toContain(image);
  });

  it('of a container is answered when the outcome is recorded, and not before', async () => {
    const order: string[] = [];
    const onCreation: RelayOptions['onCreation'] = () =>
      Promise.resolve({
        labels: {},
        async settle() {
          order.push('recording');
          await new Promise((resolve) => setImmediate(resolve));
          order.push('recorded');
        },
      });
    await using stage = await openRelayStage(
      servingOne((socket) => socket.write(answerWith(created))).engine,
      {
        onCreation,
      },
    );
    const client = await stage.connect();
    client.once('readable', () => order.push('answered'));
    client.write(request('POST', path, [], body));
    await once(client, 'readable');
    expect(order).toEqual(['recording', 'recorded', 'answered']);
  });

  it('is passed on unchanged when its owner wants no labels on it', async () => {
    const { engine, received } = servingOne((socket) => socket.write(answerWith(created)));
    await using stage = await openRelayStage(engine);
    const client = await stage.connect();
    const sent = request('POST', path, [], `${body} `);
    client.write(sent);
    const { head, body: text } = await received;
    expect(head + text).toBe(sent);
  });

  it('is passed on unchanged, without asking its owner, when its body is no JSON object', async () => {
    const { creations, onCreation } = labelling();
    const { engine, received } = servingOne((socket) => socket.write(answerWith('{}', '400 Bad Request')));
    await using stage = await openRelayStage(engine, { onCreation });
    const client = await stage.connect();
    client.write(request('POST', path, [], '{"Image"'));
    expect((await received).body).toBe('{"Image"');
    expect(creations).toEqual([]);
  });

  it.each([
    ['is compressed', ['Content-Encoding: gzip'], 5],
    ['is longer than 16 MB', [], 16 * 1024 * 1024 + 1],
  ])('is passed on unchanged and reported when its body %s', async (reason, fields, length) => {
    const { creations, outcomes, onCreation } = labelling();
    const text = 'x'.repeat(length);
    const { engine, received } = servingOne((socket) => socket.write(answerWith(created)));
    await using stage = await openRelayStage(engine, { onCreation });
    const client = await stage.connect();
    const sent = request('POST', path, fields, text);
    client.write(sent);
    const passed = await received;
    expect(passed.head + passed.body === sent).toBe(true);
    expect(creations).toMatchObject([
      { unlabelled: `its body ${reason}`, request: { kind: 'container', name: 'web' } },
    ]);
    await readUntil(client, created);
    expect(outcomes).toEqual([{ isCreated: true, id }]);
  });

  it('is reported when it creates a volume without a body, to which labels cannot be added', async () => {
    const { creations, onCreation } = labelling();
    const { engine, received } = servingOne((socket) => socket.write(answerWith('{"Name":"v"}')));
    await using stage = await openRelayStage(engine, { onCreation });
    const client = await stage.connect();
    client.write(request('POST', '/v1.41/volumes/create', [], ''));
    await received;
    expect(creations).toMatchObject([{ unlabelled: 'its body is empty', request: { kind: 'volume' } }]);
  });

  it('is answered with 500 and the reason when its owner fails, and never reaches the engine', async () => {
    const requests: string[] = [];
    await using stage = await openRelayStage(answering('', requests), {
      onCreation: () => Promise.reject(new Error('no lease')),
    });
    const client = await stage.connect();
    client.write(request('POST', path, [], body));
    expect(await readAll(client)).toMatch(/^HTTP\/1\.1 500 [\s\S]*\{"message":"no lease"\}\n$/);
    expect(requests).toEqual([]);
  });

  it.each([
    ['whose answer is lost', (socket: Socket) => socket.destroy(), undefined],
    ['whose answer is cut', (socket: Socket) => socket.end(answerWith(created).slice(0, -9)), undefined],
    [
      'that is refused',
      (socket: Socket) => socket.end(answerWith('{}', '409 Conflict')),
      { isCreated: false },
    ],
    [
      'answered until the connection ends',
      (socket: Socket) => socket.end(answer('201 Created', [], created)),
      { isCreated: true, id },
    ],
  ])('%s has its outcome reported once', async (_, respond, outcome) => {
    const { outcomes, onCreation } = labelling();
    await using stage = await openRelayStage(servingOne(respond).engine, { onCreation });
    const client = await stage.connect();
    client.write(request('POST', path, [], body));
    await readAll(client);
    await stage.relay.close();
    expect(outcomes).toEqual([outcome]);
  });

  it('has no known outcome when its client disconnects before the answer', async () => {
    const { outcomes, onCreation } = labelling();
    const ended = Promise.withResolvers<string>();
    const { engine, received } = servingOne((socket) => void readAll(socket).then(ended.resolve));
    await using stage = await openRelayStage(engine, { onCreation });
    const client = await stage.connect();
    client.write(request('POST', path, [], body));
    await received;
    client.destroy();
    await until(() => outcomes.length > 0);
    expect(outcomes).toEqual([undefined]);
    await ended.promise;
  });

  it('creates nothing when its client disconnects before it was sent', async () => {
    const { creations, outcomes, onCreation } = labelling();
    const requests: string[] = [];
    const isGone = Promise.withResolvers<void>();
    await using stage = await openRelayStage(answering('', requests), {
      async onCreation(creation) {
        const plan = await onCreation(creation);
        await isGone.promise;
        return plan;
      },
    });
    const client = await stage.connect();
    client.write(request('POST', path, [], body));
    await until(() => creations.length > 0);
    client.destroy();
    const other = await stage.connect();
    other.end();
    await readAll(other);
    isGone.resolve();
    await until(() => outcomes.length > 0);
    expect(outcomes).toEqual([{ isCreated: false }]);
    expect(requests).toEqual([]);
  });

  it('is not asked about when its client sends half of it', async () => {
    const { creations, onCreation } = labelling();
    await using stage = await openRelayStage((socket) => void readAll(socket).then(() => socket.end()), {
      onCreation,
    });
    const client = await stage.connect();
    client.end(request('POST', path, [], body).slice(0, -5));
    expect(await readAll(client)).toBe('');
    expect(creations).toEqual([]);
  });
});

describe('a guarded relay', () => {
  it('refuses with the reason of its owner, and forwards what the owner allows', async () => {
    const requests: string[] = [];
    await using stage = await openRelayStage(answering(answerWith('{}'), requests), {
      refusal: ({ meaning }) =>
        Promise.resolve(
          'ref' in meaning && meaning.ref === 'theirs' ? 'theirs is not of this run' : undefined,
        ),
    });
    const refused = await stage.connect();
    refused.write(request('DELETE', '/v1.41/containers/theirs?force=1'));
    expect(await readAll(refused)).toMatch(
      /^HTTP\/1\.1 403 [\s\S]*\{"message":"theirs is not of this run"\}\n$/,
    );
    const podman = await stage.connect();
    podman.write(request('DELETE', '/v4.3.1/libpod/containers/theirs'));
    expect(await readAll(podman)).toMatch(/^HTTP\/1\.1 403 /);
    const allowed = await stage.connect();
    allowed.write(request('POST', '/v1.41/containers/ours/kill'));
    expect(await readUntil(allowed, '{}')).toContain('200 OK');
    expect(requests.map((head) => head.split(' ', 2).join(' '))).toEqual([
      'POST /v1.41/containers/ours/kill',
    ]);
  });

  it.each([
    ['images=ours%3A1&images=theirs', { refs: ['ours:1', 'theirs'], isAll: false }],
    ['all=true&force=true', { refs: [], isAll: true }],
    ['all=false&images=ours', { refs: ['ours'], isAll: false }],
  ])('reads all images that Podman removes with one request: %s', (query, meaning) => {
    expect(readRemoval('DELETE', `/v4.3.1/libpod/images/remove?${query}`)?.meaning).toEqual({
      type: 'remove-images',
      ...meaning,
    });
    expect(readRemoval('DELETE', `/v1.41/images/remove?${query}`)?.meaning).toMatchObject({ ref: 'remove' });
  });

  it.each([
    ['/v1.41/volumes/prune', { label: ['a=b'] }],
    ['/volumes/prune?filters=%7B%22label%22%3A%5B%22c%22%5D%7D', { label: ['c', 'a=b'] }],
    [
      '/images/prune?filters=%7B%22dangling%22%3A%7B%22true%22%3Atrue%7D%2C%22label%22%3A%7B%22c%22%3Atrue%7D%7D',
      { dangling: { true: true }, label: { c: true, 'a=b': true } },
    ],
  ])('narrows a prune to its label: %s', async (path, filters) => {
    const requests: string[] = [];
    await using stage = await openRelayStage(answering(answerWith('{}'), requests), { pruneLabel: 'a=b' });
    const client = await stage.connect();
    client.write(request('POST', path));
    await readUntil(client, '{}');
    const sent = /^POST \S+\?(\S+) /.exec(requests[0] ?? '')?.[1];
    expect(JSON.parse(new URLSearchParams(sent).get('filters') ?? '')).toEqual(filters);
  });
});

describe('the socket of a relay', () => {
  it.each([
    ['its file is removed', (path: string) => unlinkSync(path)],
    ['its file is renamed', (path: string) => renameSync(path, `${path}.moved`)],
    [
      'its file is replaced',
      (path: string) => {
        unlinkSync(path);
        linkSync('/etc/hostname', path);
        unlinkSync(path);
      },
    ],
    ['its folder is removed', (path: string) => rmSync(dirname(path), { recursive: true })],
  ])('is back at the same path when %s, and open connections go on', async (_, disturb) => {
    await using stage = await openRelayStage(answering(answerWith('{}')));
    const before = await stage.connect();
    before.write(request('GET', '/_ping'));
    await readUntil(before, '{}');
    disturb(stage.path);
    expect(
      await until(
        () =>
          open(stage.path).then(
            (socket) => Boolean(socket.destroy()),
            () => false,
          ),
        undefined,
        5,
      ),
    ).toBe(true);
    expect(statSync(stage.path).mode & 0o777).toBe(0o600);
    before.write(request('GET', '/_ping'));
    expect(await readUntil(before, '{}')).toContain('200 OK');
  });

  it('is removed when the relay closes, after the answer under way', async () => {
    const answered = Promise.withResolvers<Socket>();
    await using stage = await openRelayStage(
      (socket) => void readUntil(socket, headEnd).then(() => answered.resolve(socket)),
    );
    const client = await stage.connect();
    client.write(request('GET', '/info'));
    const engine = await answered.promise;
    const closing = stage.relay.close();
    engine.write(answerWith('{}'));
    expect(await readAll(client)).toContain('200 OK');
    await closing;
    expect(() => statSync(stage.path)).toThrow('ENOENT');
  });

  it('cuts a stream when the relay closes, and waits for other answers', async () => {
    const streams = Promise.withResolvers<string>();
    const asked = Promise.withResolvers<string>();
    const serve = async (socket: Socket): Promise<void> => {
      const head = await readUntil(socket, headEnd);
      if (head.startsWith('GET')) {
        socket.write(answer('200 OK', ['Transfer-Encoding: chunked'], '4\r\ntick\r\n'));
        streams.resolve(await readAll(socket));
      } else {
        asked.resolve(head);
        await streams.promise;
        socket.write(answerWith('{}'));
      }
    };
    await using stage = await openRelayStage((socket) => void serve(socket));
    const [following, other] = [await stage.connect(), await stage.connect()];
    following.write(request('GET', '/containers/c1/logs?follow=1'));
    await readUntil(following, 'tick');
    other.write(request('POST', '/containers/c1/start'));
    await asked.promise;
    const closing = stage.relay.close();
    expect(await readAll(other)).toContain('200 OK');
    expect(await readAll(following)).toBe('\r\n');
    await closing;
  });

  it('is not opened at a path at which another process listens', async () => {
    await using stage = await openRelayStage(() => undefined);
    const { path, options } = stage;
    await expect(openRelay({ ...options, path })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
