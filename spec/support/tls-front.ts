import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A TCP port in front of the socket of an engine. */
interface TcpFront extends AsyncDisposable {
  /** As in `DOCKER_HOST`. */
  readonly address: string;
}

/** One with mutual TLS. */
export interface TlsFront extends TcpFront {
  /** The folder of a client's `ca.pem`, `cert.pem` and `key.pem`. */
  readonly certs: string;
  /** The same, with another CA. */
  readonly otherCerts: string;
}

/** @param folder - An existing folder, for the certificates. */
export async function openTlsFront(folder: string, socketPath: string): Promise<TlsFront> {
  const certs = join(folder, 'certs');
  const otherCerts = join(folder, 'other');
  await makeCertificates(certs, otherCerts);
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'server-cert.pem', 'server-key.pem'].map((name) => readFile(join(certs, name))),
  );
  const options = { ca, cert, key, requestCert: true, rejectUnauthorized: true, allowHalfOpen: true };
  const front = await openFront(socketPath, (serve) => createTlsServer(options, serve));
  return { ...front, certs, otherCerts };
}

/** Opens a TCP port without TLS in front of the socket of an engine. */
export function openTcpFront(socketPath: string): Promise<TcpFront> {
  return openFront(socketPath, (serve) => createServer({ allowHalfOpen: true }, serve));
}

/** @param create - Creates a server that, as an engine, lets a client end its input and still read. */
async function openFront(
  socketPath: string,
  create: (serve: (socket: Socket) => void) => Server,
): Promise<TcpFront> {
  const sockets: Socket[] = [];
  const front = create((socket) => {
    const engine = connect({ path: socketPath, allowHalfOpen: true });
    sockets.push(socket, engine);
    socket.on('error', () => engine.destroy()).pipe(engine);
    engine.on('error', () => socket.destroy()).pipe(socket);
  });
  // Also those of a client that goes before the handshake is over: half open, they stay.
  front.on('connection', (socket) => sockets.push(socket));
  await once(front.listen(0, '127.0.0.1'), 'listening');
  const address = front.address();
  if (typeof address !== 'object' || address === null) throw new Error('the front has no port');
  return {
    address: `tcp://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(front.close(), 'close');
      // castoff keeps its connections open for the next call.
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function makeCertificates(certs: string, otherCerts: string): Promise<void> {
  await mkdir(certs);
  await mkdir(otherCerts);
  const openssl = (args: string): Promise<unknown> => run('openssl', args.split(' '), { cwd: certs });
  const create = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2';
  await openssl(`${create} -keyout ca-key.pem -out ca.pem -subj /CN=castoff-ca`);
  await openssl(`${create} -keyout other-key.pem -out ${otherCerts}/ca.pem -subj /CN=castoff-other`);
  const signed = `${create} -CA ca.pem -CAkey ca-key.pem -addext basicConstraints=critical,CA:FALSE`;
  const names = 'subjectAltName=IP:127.0.0.1';
  await openssl(`${signed} -keyout server-key.pem -out server-cert.pem -subj /CN=engine -addext ${names}`);
  await openssl(`${signed} -keyout key.pem -out cert.pem -subj /CN=client`);
  for (const name of ['cert.pem', 'key.pem']) await copyFile(join(certs, name), join(otherCerts, name));
}
