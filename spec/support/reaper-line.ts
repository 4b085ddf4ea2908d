import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { until } from './until';

/** A raw connection to a reaper. */
export class ReaperLine implements Disposable {
  readonly #output: Writable & { destroy(): unknown };
  readonly #received: string[] = [];
  #taken = 0;
  hasEnded = false;

  constructor(input: Readable, output: Writable) {
    this.#output = output;
    let rest = '';
    input.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\n');
      rest = parts.pop() ?? '';
      this.#received.push(...parts);
    });
    for (const stream of [input, output]) stream.on('error', () => (this.hasEnded = true));
    input.once('close', () => (this.hasEnded = true));
  }

  send(text: string | Uint8Array): void {
    this.#output.write(text);
  }

  /** Sends a request; resolves to the response. */
  async ask(message: object): Promise<unknown> {
    this.send(`${JSON.stringify(message)}\n`);
    return JSON.parse((await this.responses(1))[0] ?? '');
  }

  /** Resolves to the next `count` responses, in order. */
  async responses(count: number): Promise<string[]> {
    if (!(await until(() => this.#received.length >= this.#taken + count, 10_000, 2)))
      throw new Error(
        `received ${this.#received.length - this.#taken} of ${count} responses, the last: ${this.#received.at(-1)}`,
      );
    this.#taken += count;
    return this.#received.slice(this.#taken - count, this.#taken);
  }

  get received(): readonly string[] {
    return this.#received;
  }

  end(): void {
    this.#output.end();
  }

  /** Disconnects with RST, where the system supports it. */
  reset(): void {
    const socket = this.#output as Socket;
    socket.resetAndDestroy();
  }

  [Symbol.dispose](): void {
    this.#output.destroy();
  }
}

export async function connectLine(options: NetConnectOpts): Promise<ReaperLine> {
  const socket = connect(options);
  await once(socket, 'connect');
  return new ReaperLine(socket, socket);
}

let lastId = 0;

export function hello(session = 'spec', more: object = {}): object {
  lastId += 1;
  return {
    id: lastId,
    type: 'hello',
    protocol: 3,
    version: '0.1.0',
    session,
    owner: { host: 'spec', pid: process.pid },
    ...more,
  };
}

export function request(type: 'claim' | 'release', ...labels: string[]): { id: number } {
  lastId += 1;
  return { id: lastId, type, labels } as { id: number };
}
