import { connect } from 'node:net';
import { readUntil } from './fault-proxy-stage';

/** Sends one raw text after the other over one connection, each after the answer to the one before. */
export async function converse(
  socketPath: string,
  turns: readonly (readonly [say: string, until: RegExp])[],
): Promise<string> {
  const socket = connect({ path: socketPath });
  let heard = '';
  for (const [say, until] of turns) {
    socket.write(say);
    heard += await readUntil(socket, until);
  }
  socket.destroy();
  return heard.replaceAll(/^Date: .*\r\n/gm, '');
}
