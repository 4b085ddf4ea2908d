import { Agent, type AgentOptions, type ClientRequest } from 'node:http';
import { connect, Socket, type NetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import type * as Tls from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { inspect } from 'node:util';
import type { Endpoint, Transport } from './endpoint';
import { markAgent } from './agent-mark';
import { openSshConnection } from './ssh-connection';

const pooling: AgentOptions = { keepAlive: true, maxFreeSockets: 32 };
const loginsAtOnce = 8;
const loginTimeoutMs = 5_000;

/**
 * The connections to one engine. Their sockets do not hold the process: whoever waits for an answer holds it with the
 * timer of the wait, so that a request nobody waits for any more (a swallowed answer) cannot keep a test run alive.
 */
export function agentFor(endpoint: Endpoint): Agent {
  const agent = createAgent(endpoint);
  // docker-modem inspects every request to the last depth, for a debug line that hardly anybody reads: with thirty under way, the
  // agent's sockets and queues took more of the CPU than the requests themselves (4 s in a reaping of 30 containers).
  return markAgent(Object.assign(agent, { [inspect.custom]: () => `Agent of ${endpoint.address}` }));
}

function createAgent({ transport }: Endpoint): Agent {
  switch (transport.type) {
    case 'socket':
      return new UnheldAgent(pooling);
    case 'tcp':
      return transport.tls === undefined
        ? new UnheldAgent(pooling)
        : new UnheldTlsAgent(tlsOptions(transport.tls));
    case 'ssh':
      return new SshAgent(transport);
  }
}

function tlsOptions(tls: NonNullable<Extract<Transport, { type: 'tcp' }>['tls']>): AgentOptions {
  const { ca, cert, key, isVerified } = tls;
  return { ...pooling, ca, cert, key, rejectUnauthorized: isVerified } as AgentOptions;
}

class UnheldAgent extends Agent {
  // Node's own agent looks up `net.connect` with each call, and tests replace it.
  override createConnection(...[options]: Parameters<Agent['createConnection']>): Duplex | null | undefined {
    return connect(options as NetConnectOpts).unref();
  }

  // Node's own agent takes hold of a pooled socket when it is used again.
  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    super.reuseSocket(socket, request);
    unhold(socket);
  }
}

class UnheldTlsAgent extends UnheldAgent {
  /** Node reads these to choose the default port and to set up TLS. */
  readonly protocol = 'https:';
  readonly defaultPort = 443;
  #session: Buffer | undefined;

  override createConnection(...[options]: Parameters<Agent['createConnection']>): Duplex | null | undefined {
    // Loaded where it is used: it costs a reaper on a local socket 2 MB.
    const tls = require('node:tls') as typeof Tls;
    const socket = tls.connect({
      ALPNProtocols: ['http/1.1'],
      session: this.#session,
      ...(options as ConnectionOptions),
    });
    socket.on('session', (session) => (this.#session = session));
    socket.once('close', (hadError) => {
      if (hadError) this.#session = undefined;
    });
    return socket.unref();
  }
}

/**
 * Logs in a few at a time: sshd drops connections when more than `MaxStartups` (10, as a rule) are not logged in yet, and
 * the removal of 30 containers asks for 30. A login that has not answered for a while makes room for the next: what is
 * slow may be the engine's answer.
 */
class SshAgent extends Agent {
  readonly #transport: Extract<Transport, { type: 'ssh' }>;
  readonly #waiting: (() => void)[] = [];
  #logins = 0;

  constructor(transport: Extract<Transport, { type: 'ssh' }>) {
    super(pooling);
    this.#transport = transport;
  }

  override createConnection(...[, created]: Parameters<Agent['createConnection']>): Duplex | undefined {
    if (this.#logins < loginsAtOnce) return this.#logIn();
    this.#waiting.push(() => created?.(null, this.#logIn()));
    return undefined;
  }

  #logIn(): Duplex {
    this.#logins += 1;
    const connection = openSshConnection(this.#transport);
    const done = new AbortController();
    const finish = (): void => done.abort();
    const timer = setTimeout(finish, loginTimeoutMs).unref();
    connection.once('connect', finish).once('close', finish);
    done.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      this.#logins -= 1;
      this.#waiting.shift()?.();
    });
    return connection;
  }
}

function unhold<S extends Duplex | null | undefined>(socket: S): S {
  if (socket instanceof Socket) socket.unref();
  return socket;
}
