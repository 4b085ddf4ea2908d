import { Agent, type AgentOptions, type ClientRequest } from 'node:http';
import { connect, Socket, type NetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import type * as TlsModule from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { inspect } from 'node:util';
import { timeouts } from '../core/timeouts';
import type { Endpoint, Tls, Transport } from './endpoint';
import { markAgent } from './agent-mark';
import { openSshConnection } from './ssh-connection';

const pooling: AgentOptions = { keepAlive: true, maxFreeSockets: 32 };
/**
 * Without TLS there is no name of a server to derive from the host: Node compiles a regular expression for that, which
 * takes the first request 3 ms. @see Node.js, lib/_http_agent.js, `normalizeServerName`
 */
const withoutTls = { ...pooling, servername: '' } as AgentOptions;
const maxConcurrentLogins = 8;

/**
 * Creates the pool of connections to one engine.
 *
 * Its sockets do not keep the process alive: the timer of a caller that waits for a response does. A request
 * without a response, and without a caller, cannot keep a test run alive.
 */
export function agentFor(endpoint: Endpoint): Agent {
  const agent = createAgent(endpoint);
  // docker-modem inspects every request in full depth for its debug output. With 30 requests in flight,
  // inspecting the sockets and queues of the agent took more CPU time than the requests (4 s while reaping 30
  // containers).
  return markAgent(Object.assign(agent, { [inspect.custom]: () => `Agent of ${endpoint.address}` }));
}

function createAgent({ transport }: Endpoint): Agent {
  switch (transport.type) {
    case 'socket':
      return new UnrefAgent(withoutTls);
    case 'tcp':
      return transport.tls === undefined
        ? new UnrefAgent(withoutTls)
        : new UnrefTlsAgent(tlsOptions(transport.tls));
    case 'ssh':
      return new SshAgent(transport);
  }
}

/** Returns the options of a TLS connection, and of the pool that it belongs to. */
export function tlsOptions(tls: Tls): AgentOptions {
  const { ca, cert, key, isVerified } = tls;
  return { ...pooling, ca, cert, key, rejectUnauthorized: isVerified } as AgentOptions;
}

class UnrefAgent extends Agent {
  // Node's own agent reads `net.connect` on each call, and tests replace it.
  override createConnection(...[options]: Parameters<Agent['createConnection']>): Duplex | null | undefined {
    return connect(options as NetConnectOpts).unref();
  }

  // Node's own agent calls `ref` on a pooled socket when it reuses it.
  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    super.reuseSocket(socket, request);
    if (socket instanceof Socket) socket.unref();
  }
}

class UnrefTlsAgent extends UnrefAgent {
  /** Node reads these to choose the default port and to set up TLS. */
  readonly protocol = 'https:';
  readonly defaultPort = 443;
  #session: Buffer | undefined;

  override createConnection(...[options]: Parameters<Agent['createConnection']>): Duplex | null | undefined {
    // Loaded on first use: a reaper on a local socket saves 2 MB.
    const tls = require('node:tls') as typeof TlsModule;
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
 * Limits concurrent logins: sshd drops connections when more than `MaxStartups` (usually 10) have not logged
 * in yet, and removing 30 containers opens 30. After a timeout, a login no longer counts: the login may have
 * succeeded, and the engine be slow to respond.
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
    if (this.#logins < maxConcurrentLogins) return this.#logIn();
    this.#waiting.push(() => created?.(null, this.#logIn()));
    return undefined;
  }

  #logIn(): Duplex {
    this.#logins += 1;
    const connection = openSshConnection(this.#transport);
    const done = new AbortController();
    const finish = (): void => done.abort();
    const timer = setTimeout(finish, timeouts.pingMs).unref();
    connection.once('connect', finish).once('close', finish);
    done.signal.addEventListener('abort', () => {
      clearTimeout(timer);
      this.#logins -= 1;
      this.#waiting.shift()?.();
    });
    return connection;
  }
}
