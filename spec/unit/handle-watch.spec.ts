import { AsyncLocalStorage } from 'node:async_hooks';
import { exec, fork, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, watch, watchFile, unwatchFile, writeFileSync } from 'node:fs';
import { watch as watchIterator } from 'node:fs/promises';
import {
  createServer as createHttpServer,
  Agent,
  get,
  type IncomingMessage,
  type RequestListener,
} from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as nodeTimers from 'node:timers';
import { setImmediate as turn, setInterval as tick, setTimeout as delay } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { MessageChannel, Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { userLineIn } from '../../lib/capture/user-line';
import { openScope } from '../../lib/scope/scope';
import type { Handle, HandleOwner } from '../../lib/diagnosis/handle';
import { startHandleWatch, type HandleWatch } from '../../lib/diagnosis/handle-watch';

const owners = new AsyncLocalStorage<HandleOwner>();
const folder = mkdtempSync(join(tmpdir(), 'castoff-handles-'));
const file = 'spec/unit/handle-watch.spec.ts';
const lines = readFileSync(__filename, 'utf8').split('\n');

/** Names of containers, by port. */
const containers = new Map<number | undefined, string>();

let watching: HandleWatch;
beforeAll(() => {
  watching = startHandleWatch(
    () => owners.getStore(),
    (stack) => userLineIn(stack, __filename),
    ({ port }) => containers.get(port),
  );
});
afterAll(() => {
  watching.stop();
  rmSync(folder, { recursive: true });
});

/** The line of this file that ends in the comment `// opens <name>`. */
function lineThatOpens(name: string): string {
  const at = lines.findIndex((line) => line.endsWith(`// opens ${name}`));
  return `${file}:${at + 1}`;
}

type Close = () => unknown;

interface Closable {
  destroy?: Close;
  close?: Close;
  closeAllConnections?: Close;
}

/** Returns a function that closes all of them, in order. */
function closing(...ends: readonly Closable[]): Close {
  return () => {
    for (const end of ends) {
      end.destroy?.();
      end.close?.();
      end.closeAllConnections?.();
    }
  };
}

/** What is open after programs have run side by side, each as a test, and after their closes. */
interface Judged {
  readonly left: readonly Handle[];
  readonly afterClose: readonly Handle[];
}

async function judge(
  programs: Readonly<Record<string, () => Close | undefined | Promise<Close | undefined>>>,
): Promise<Judged> {
  const isOne = ({ test = '' }: HandleOwner): boolean => Object.hasOwn(programs, test);
  const closes = await Promise.all(
    Object.entries(programs).map(async ([name, open]) =>
      owners.run({ scope: `scope of ${name}`, test: name }, open),
    ),
  );
  const left = await watching.findLeaks(isOne);
  for (const close of closes) await close?.();
  return { left, afterClose: await watching.findLeaks(isOne) };
}

/** A server that does not hold the process, with its port. */
async function backgroundServer<S extends Server>(server: S): Promise<S & { readonly port: number }> {
  await owners.exit(() => once(server.listen(0).unref(), 'listening'));
  return Object.assign(server, { port: (server.address() as AddressInfo).port });
}

const until = async (isTrue: () => boolean): Promise<void> => {
  while (!isTrue()) await delay(5);
};

/** Defects: by name, the kind and description of what is left, and code that opens it and returns its close. */
const defects: Readonly<Record<string, readonly [string, RegExp, () => Close | Promise<Close>]>> = {
  interval: [
    'interval',
    /^interval of 50 ms$/,
    () => {
      const timer = setInterval(() => undefined, 50); // opens interval
      return () => clearInterval(timer);
    },
  ],
  timeout: [
    'timeout',
    /^timeout of 1 min 0 s$/,
    () => {
      const timer = setTimeout(() => undefined, 60_000); // opens timeout
      return () => clearTimeout(Number(timer));
    },
  ],
  'timeout of node:timers': [
    'timeout',
    /^timeout of 30\.0 s$/,
    () => {
      const timer = nodeTimers.setTimeout(() => undefined, 30_000); // opens timeout of node:timers
      return () => timer[Symbol.dispose]();
    },
  ],
  'timeout of timers/promises': [
    'timeout',
    /^timeout of 30\.0 s$/,
    () => {
      const end = new AbortController();
      delay(30_000, undefined, { signal: end.signal }).catch(() => undefined); // opens timeout of timers/promises
      return () => end.abort();
    },
  ],
  'interval of timers/promises': [
    'interval',
    /^interval of 20 ms$/,
    () => {
      const end = new AbortController();
      const count = async () => {
        for await (const _ of tick(20, undefined, { signal: end.signal })); // opens interval of timers/promises
      };
      count().catch(() => undefined);
      return () => end.abort();
    },
  ],
  'loop of immediates': [
    'immediate',
    /^immediate$/,
    () => {
      let isRunning = true;
      const next = (): void => {
        if (isRunning) setImmediate(next); // opens loop of immediates
      };
      next();
      return () => (isRunning = false);
    },
  ],
  'loop of awaits': [
    'timeout',
    /^timeout of 10 ms$/,
    () => {
      const end = new AbortController();
      const poll = async () => {
        while (!end.signal.aborted) await delay(10); // opens loop of awaits
      };
      void poll();
      return () => end.abort();
    },
  ],
  'TCP server': [
    'server',
    /^server listening on :\d+$/,
    () => {
      const server = createServer().listen(0); // opens TCP server
      return () => server.close();
    },
  ],
  'TCP server on a host name': [
    'server',
    /^server listening on (127\.0\.0\.1|\[::1\]):\d+$/,
    async () => {
      const server = createServer().listen(0, 'localhost'); // opens TCP server on a host name
      await once(server, 'listening');
      return () => server.close();
    },
  ],
  'HTTP server with a client of its own': [
    'server',
    /^server listening on :\d+$/,
    async () => {
      const server = createHttpServer((_, response) => response.end('ok'));
      server.listen(0); // opens HTTP server with a client of its own
      await once(server, 'listening');
      await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).text();
      return () => server.close().closeAllConnections();
    },
  ],
  'server on a local socket': [
    'server',
    /^server listening on .*a\.sock$/,
    () => {
      const server = createServer().listen(join(folder, 'a.sock')); // opens server on a local socket
      return () => server.close();
    },
  ],
  connection: [
    'connection',
    /^connection to (127\.0\.0\.1|\[::1\]):\d+$/,
    async () => {
      const server = await backgroundServer(createServer());
      const socket = connect(server.port, 'localhost'); // opens connection
      await once(socket, 'connect');
      return closing(socket, server);
    },
  ],
  'connection to a container': [
    'connection',
    /^connection to redis \(container of a\.spec\.ts:12\)$/,
    async () => {
      const server = await backgroundServer(createServer());
      containers.set(server.port, 'redis (container of a.spec.ts:12)');
      const socket = connect(server.port, 'localhost'); // opens connection to a container
      await once(socket, 'connect');
      return closing(socket, server);
    },
  ],
  'connection to a local socket': [
    'connection',
    /^connection to .*b\.sock$/,
    async () => {
      const server = createServer().listen(join(folder, 'b.sock')).unref();
      await once(server, 'listening');
      const socket = connect(join(folder, 'b.sock')); // opens connection to a local socket
      await once(socket, 'connect');
      return closing(socket, server);
    },
  ],
  'request without a response': [
    'connection',
    /^connection to (127\.0\.0\.1|\[::1\]):\d+ \(GET \/slow\)$/,
    async () => {
      const server = await backgroundServer(createHttpServer(() => undefined));
      const request = get(`http://localhost:${server.port}/slow?token=secret`); // opens request without a response
      request.on('error', () => undefined);
      await once(server, 'request');
      return closing(request, server);
    },
  ],
  'fetch without a response': [
    'connection',
    /^connection to (127\.0\.0\.1|\[::1\]):\d+$/,
    async () => {
      const server = await backgroundServer(createHttpServer(() => undefined));
      const end = new AbortController();
      const url = `http://localhost:${server.port}`;
      fetch(url, { signal: end.signal }).catch(() => undefined); // opens fetch without a response
      await once(server, 'request');
      return closing({ destroy: () => end.abort() }, server);
    },
  ],
  'log stream of a container': [
    'connection',
    /^log stream of container 0123456789ab$/,
    async () => {
      const socketPath = join(folder, 'engine.sock');
      const server = createHttpServer((_, response) => response.write('log'))
        .listen(socketPath)
        .unref();
      await once(server, 'listening');
      const path = `/v1.41/containers/${'0123456789abcdef'.repeat(4)}/logs?follow=1`;
      const request = get({ socketPath, path }); // opens log stream of a container
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      return closing(response, server);
    },
  ],
  'TLS connection': [
    'connection',
    /^TLS connection to (127\.0\.0\.1|\[::1\]):\d+$/,
    async () => {
      const server = await backgroundServer(createServer());
      const socket = connectTls({ port: server.port }); // opens TLS connection
      socket.on('error', () => undefined);
      await once(server, 'connection');
      return closing(socket, server);
    },
  ],
  WebSocket: [
    'connection',
    /^WebSocket connection to 127\.0\.0\.1:\d+$/,
    async () => {
      const server = await backgroundServer(createServer());
      const socket = new WebSocket(`ws://127.0.0.1:${server.port}`); // opens WebSocket
      const [accepted] = (await once(server, 'connection')) as [Socket];
      socket.addEventListener('error', () => undefined);
      return closing(accepted, server);
    },
  ],
  'request on a reused connection': [
    'connection',
    /^connection to (127\.0\.0\.1|\[::1\]):\d+ \(GET \/slow\)$/,
    async () => {
      const answer: RequestListener = ({ url }, response) => url === '/' && response.end('ok');
      const server = await backgroundServer(createHttpServer(answer));
      const options = { port: server.port, agent: new Agent({ keepAlive: true, maxSockets: 1 }) };
      const [response] = (await once(get(options), 'response')) as [IncomingMessage];
      await once(response.resume(), 'close');
      const request = get({ ...options, path: '/slow' }); // opens request on a reused connection
      request.on('error', () => undefined);
      await once(server, 'request');
      return closing(request, server);
    },
  ],
  'HTTP/2 client': [
    'connection',
    /^connection to (127\.0\.0\.1|\[::1\]):\d+$/,
    async () => {
      const server = await backgroundServer(createHttp2Server());
      const session = connectHttp2(`http://localhost:${server.port}`); // opens HTTP/2 client
      await once(session, 'connect');
      return closing(session, server);
    },
  ],
  'UDP socket': [
    'UDP socket',
    /^UDP socket on :\d+$/,
    async () => {
      const socket = createSocket('udp4'); // opens UDP socket
      await once(socket.bind(0), 'listening');
      return () => socket.close();
    },
  ],
  'child process': [
    'child process',
    /^child process `sleep 60`$/,
    () => {
      const child = spawn('sleep', ['60']); // opens child process
      return () => child.kill();
    },
  ],
  'child process of a shell': [
    'child process',
    /^child process `exec sleep 60`$/,
    () => {
      const child = exec('exec sleep 60'); // opens child process of a shell
      return () => child.kill();
    },
  ],
  'child process with a time limit': [
    'child process',
    /^child process `exec sleep 60`$/,
    () => {
      const child = exec('exec sleep 60', { timeout: 60_000 }); // opens child process with a time limit
      child.on('error', () => undefined);
      return () => child.kill();
    },
  ],
  'detached child process': [
    'child process',
    /^child process `sleep 60`$/,
    () => {
      const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' }); // opens detached child process
      child.unref();
      return () => child.kill();
    },
  ],
  'process that a shell left': [
    'child process',
    /^process left running by child process `sleep 60 & echo \$!`$/,
    async () => {
      const shell = exec('sleep 60 & echo $!'); // opens process that a shell left
      let pid = '';
      shell.stdout?.on('data', (text: string) => (pid += text));
      await once(shell, 'exit');
      await until(() => pid !== '');
      return () => process.kill(Number(pid));
    },
  ],
  'forked process': [
    'child process',
    /^child process `node \S+forked\.js`$/,
    () => {
      writeFileSync(join(folder, 'forked.js'), 'process.on("message", () => {})');
      const child = fork(join(folder, 'forked.js')); // opens forked process
      return () => child.kill();
    },
  ],
  'fs.watch': [
    'file watcher',
    /^file watcher \(fs\.watch\)$/,
    () => {
      const watcher = watch(folder); // opens fs.watch
      return () => watcher.close();
    },
  ],
  'fs.watchFile': [
    'file watcher',
    /^file watcher \(fs\.watchFile\)$/,
    () => {
      watchFile(join(folder, 'none'), () => undefined); // opens fs.watchFile
      return () => unwatchFile(join(folder, 'none'));
    },
  ],
  'iterator of file changes': [
    'file watcher',
    /^file watcher \(fs\.watch\)$/,
    () => {
      const end = new AbortController();
      const follow = async () => {
        for await (const _ of watchIterator(folder, { signal: end.signal })); // opens iterator of file changes
      };
      follow().catch(() => undefined);
      return () => end.abort();
    },
  ],
  'task of a scope': [
    'task',
    /^task poll$/,
    () => {
      const scope = openScope('orders');
      const work = (signal: AbortSignal) => new Promise((end) => signal.addEventListener('abort', end));
      scope.spawn('poll', work); // opens task of a scope
      return () => scope.close();
    },
  ],
  'accepted connection that outlives its server': [
    'connection',
    /^connection from 127\.0\.0\.1:\d+$/,
    async () => {
      const server = createServer().listen(0, '127.0.0.1'); // opens accepted connection that outlives its server
      await once(server, 'listening');
      const accepting = once(server, 'connection');
      const client = owners.exit(() => connect((server.address() as AddressInfo).port, '127.0.0.1'));
      const [accepted] = (await accepting) as [Socket];
      server.close();
      return closing(client, accepted);
    },
  ],
  worker: [
    'worker',
    /^worker$/,
    async () => {
      const worker = new Worker('setInterval(() => {}, 1e3)', { eval: true }); // opens worker
      await once(
        worker.on('message', () => undefined),
        'online',
      );
      return () => worker.terminate();
    },
  ],
  'message port': [
    'message port',
    /^message port$/,
    () => {
      const { port1 } = new MessageChannel(); // opens message port
      port1.on('message', () => undefined);
      return () => port1.close();
    },
  ],
  'broadcast channel': [
    'broadcast channel',
    /^broadcast channel$/,
    () => {
      const channel = new BroadcastChannel('news'); // opens broadcast channel
      return () => channel.close();
    },
  ],
};

describe('a handle that a test leaves', () => {
  let judged: Judged;
  beforeAll(async () => {
    const programs = Object.entries(defects).map(([name, [, , open]]) => [name, open] as const);
    judged = await judge(Object.fromEntries(programs));
  });

  it.each(Object.entries(defects))('%s: has its kind, line and test', (name, [kind, what]) => {
    expect(judged.left.filter(({ test }) => test === name)).toEqual([
      {
        kind,
        what: expect.stringMatching(what),
        source: lineThatOpens(name),
        scope: `scope of ${name}`,
        test: name,
        createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
        count: 1,
      },
    ]);
  });

  it('is reported also if its creation makes the watch forget closed ones', () => {
    const open = () => Array.from({ length: 2_000 }, () => setImmediate(() => undefined));
    const pending = owners.run({ scope: 'many' }, open);
    const [many] = watching.list(({ scope }) => scope === 'many');
    for (const immediate of pending) clearImmediate(immediate);
    expect(many).toMatchObject({ kind: 'immediate', count: 2_000 });
  });

  it('is not reported once it is closed', () => {
    expect(judged.afterClose).toEqual([]);
  });
});

describe('a connection of an earlier test', () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const clients: Readonly<Record<string, (url: string, signal?: AbortSignal) => Promise<unknown>>> = {
    'http.get': async (url, signal) => {
      const [response] = (await once(get(url, { agent, signal }), 'response')) as [IncomingMessage];
      await once(response.resume(), 'close');
    },
    fetch: async (url, signal) => (await fetch(url, { signal: signal ?? null })).text(),
  };

  it.each(Object.entries(clients))('%s: belongs to the test whose request it serves', async (_, ask) => {
    const answer: RequestListener = ({ url }, response) => url === '/' && response.end('ok');
    const server = await backgroundServer(createHttpServer(answer));
    const ports: unknown[] = [];
    server.on('connection', ({ remotePort }: Socket) => ports.push(remotePort));
    const end = new AbortController();
    const askAs = (scope: string, path: string) =>
      owners.run({ scope }, () => ask(`http://localhost:${server.port}${path}`, end.signal));
    await askAs('first', '/');
    // undici gives the connection back in the next turn.
    await turn();
    const pending = askAs('second', '/slow').catch(() => undefined);
    await once(server, 'request');
    const listed = watching.list(({ scope }) => scope === 'first' || scope === 'second');
    expect(listed).toMatchObject([{ kind: 'connection', scope: 'second' }]);
    expect(ports).toHaveLength(1);
    end.abort();
    await pending;
    closing(server)();
  });
});

/** Code that leaves nothing, near to a defect. */
const lookAlikes: Readonly<Record<string, () => Close | Promise<Close> | undefined | Promise<undefined>>> = {
  'unreferenced timers': () => {
    const timers = [setInterval(() => undefined, 50).unref(), setTimeout(() => undefined, 9_999).unref()];
    return () => timers.forEach((timer) => clearTimeout(timer));
  },
  'cleared timers': () => {
    clearInterval(setInterval(() => undefined, 50));
    clearTimeout(setInterval(() => undefined, 50));
    setTimeout(() => undefined, 60_000).close();
    clearImmediate(setImmediate(() => undefined));
    return undefined;
  },
  'a late callback that ends': () => {
    setTimeout(() => setTimeout(() => undefined, 100), 100);
    return undefined;
  },
  'a timeout signal': () => {
    AbortSignal.timeout(60_000);
    return undefined;
  },
  'fake timers': () => {
    jest.useFakeTimers();
    setInterval(() => undefined, 50);
    setTimeout(() => undefined, 60_000);
    jest.useRealTimers();
    return undefined;
  },
  'an unreferenced server': async () => {
    const server = await backgroundServer(createServer());
    return () => server.close();
  },
  'an unreferenced server with a finished fetch': async () => {
    const server = createHttpServer((_, response) => response.end('ok'));
    await once(server.listen(0).unref(), 'listening');
    await (await fetch(`http://localhost:${(server.address() as AddressInfo).port}`)).text();
    return () => server.close().closeAllConnections();
  },
  'a server that closes soon after': () => {
    const server = createServer().listen(0);
    setTimeout(() => server.close(), 100);
    return undefined;
  },
  'a keep-alive agent': async () => {
    const server = await backgroundServer(createHttpServer((_, response) => response.end('ok')));
    const agent = new Agent({ keepAlive: true });
    const [response] = await once(get({ port: server.port, agent }), 'response');
    response.resume();
    await once(response, 'close');
    return closing(agent, server);
  },
  'a finished fetch': async () => {
    const server = await backgroundServer(createHttpServer((_, response) => response.end('ok')));
    await (await fetch(`http://localhost:${server.port}`)).text();
    return () => server.close().closeAllConnections();
  },
  'a connection that failed': async () => {
    const socket = connect(1, '127.0.0.1');
    await once(socket, 'error').catch(() => undefined);
    return undefined;
  },
  'a child process that exits': async () => {
    await once(spawn('true'), 'exit');
    spawn(join(folder, 'none')).on('error', () => undefined);
    return undefined;
  },
  'an unreferenced child process': () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    child.unref();
    return () => child.kill();
  },
  'a detached child process that exits': () => {
    spawn('sleep', ['0.1'], { detached: true, stdio: 'ignore' }).unref();
    return undefined;
  },
  'closed watchers': () => {
    watch(folder).close();
    watchFile(folder, () => undefined);
    unwatchFile(folder);
    const watcher = watch(folder, { persistent: false });
    return () => watcher.close();
  },
  'a worker that ends': async () => {
    await once(new Worker('', { eval: true }), 'exit');
    return undefined;
  },
  'an unreferenced worker': async () => {
    const worker = new Worker('setInterval(() => {}, 1e3)', { eval: true });
    worker.unref();
    return () => worker.terminate();
  },
  'message ports without a listener': () => {
    const { port1, port2 } = new MessageChannel();
    port1.postMessage('unread');
    return () => port2.close();
  },
};

describe('code that leaves nothing', () => {
  let judged: Judged;
  beforeAll(async () => {
    judged = await judge(lookAlikes);
  });

  it.each(Object.keys(lookAlikes))('%s: no alarm', (name) => {
    expect(judged.left.filter(({ test }) => test === name)).toEqual([]);
  });
});
