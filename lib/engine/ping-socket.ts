import { connect } from 'node:net';

const request = 'GET /_ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

/** As for Node's own client. */
const maxHeadBytes = 16 * 1_024;

/**
 * Pings the engine at a local socket without an HTTP client, whose first request takes 5 ms more: the command of
 * `castoff run` waits for the answer.
 *
 * Resolves to the head of a response with status 200, in lower case; to `undefined` for anything else. Rejects with the
 * connection's error, also when `signal` aborts. The connection does not keep the process alive.
 *
 * @see RFC 9112, 2.1: the head ends with an empty line
 */
export async function pingSocket(path: string, signal: AbortSignal): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>();
  const socket = connect({ path, signal }).unref();
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
    const [head = '', ...rest] = text.split('\r\n\r\n');
    if (rest.length > 0) resolve(/^HTTP\/1\.[01] 200 /.test(head) ? head.toLowerCase() : undefined);
    else if (text.length > maxHeadBytes) resolve(undefined);
  });
  socket.on('error', reject).once('close', () => resolve(undefined));
  socket.write(request);
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
