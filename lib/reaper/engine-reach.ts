import { once } from 'node:events';
import { connect } from 'node:net';
import { isCastoffError } from '../core/errors';
import type { Endpoint } from '../engine/endpoint';
import { findEndpoint } from '../engine/find-endpoint';

/**
 * Why this process can reach no engine (a socket that is not there, or that it may not use), without the cost of asking one:
 * `undefined` where somebody listens, and at a remote engine, which only a use would tell of.
 */
export async function whyNoEngine(): Promise<string | undefined> {
  try {
    await findEndpoint({ ping: knock });
    return undefined;
  } catch (error) {
    if (!isCastoffError(error)) throw error;
    return error.message.replaceAll(/\n\s*/g, '; ');
  }
}

async function knock({ transport }: Endpoint): Promise<void> {
  if (transport.type !== 'socket') return;
  const socket = connect(transport.path);
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}
