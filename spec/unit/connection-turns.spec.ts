import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Connection } from '../../lib/reaper/protocol/connection';
import { LeaseTable } from '../../lib/reaper/reaping/lease-table';

// The leases stay open: with real timers, they would keep Jest's worker running for an hour.
beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] }));
afterEach(() => void jest.useRealTimers());

/** Clients of one reaper, and the responses to all of them in order. */
function openClients(names: readonly string[]) {
  const responses: { readonly name: string; readonly text: string }[] = [];
  const claims: string[] = [];
  const leases = new LeaseTable({
    mode: 'daemon',
    limits: { connectionTimeoutMs: 60_000, shutdownTimeoutMs: 60_000 },
    reap: () => Promise.reject(new Error('nothing is reaped here')),
    observe: (event) => {
      if (event.type === 'claimed') claims.push(event.claim.key);
    },
  });
  const inputs = names.map((name) => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    output.on('data', (chunk: Buffer) => {
      for (const text of chunk.toString().trimEnd().split('\n')) responses.push({ name, text });
    });
    void new Connection(
      { input, output },
      {
        leases,
        observe: () => undefined,
        claimableKeys: 'any',
        from: name,
        graceMs: 3_600_000,
        reconnectionTimeoutMs: 3_600_000,
        latePausesMs: [],
        isStrict: false,
        onForeign: () => undefined,
        onClosed: () => undefined,
      },
    );
    return input;
  });
  const settled = async (count: number) => {
    for (let turns = 0; turns < 10_000 && responses.length < count; turns += 1)
      await new Promise<void>((resolve) => setImmediate(resolve));
  };
  return { inputs, responses, claims, settled };
}

const lines = (count: number) =>
  Array.from({ length: count }, (_unused, index) => `label=n=${index}\n`).join('');

describe('a client that sends a thousand lines at once', () => {
  it('takes turns with a client that sends a single line', async () => {
    const { inputs, responses, settled } = openClients(['busy', 'modest']);
    inputs[0]?.write(lines(1_000));
    inputs[1]?.write('{"id":1,"type":"ping"}\n');
    await settled(1_001);
    const index = responses.findIndex(({ name }) => name === 'modest');
    expect(responses).toHaveLength(1_001);
    expect(index).toBeLessThan(100);
  });

  it('gets responses in the order of its lines, even after it has ended its output', async () => {
    const { inputs, claims, settled, responses } = openClients(['busy']);
    inputs[0]?.end(lines(200));
    await settled(200);
    expect(responses.map(({ text }) => text)).toEqual(Array.from({ length: 200 }, () => 'ACK'));
    expect(claims.slice(0, 3)).toEqual(['n=0', 'n=1', 'n=2']);
    expect(claims).toHaveLength(200);
  });

  it('has claimed all of them if it dies right after', async () => {
    const { inputs, claims } = openClients(['busy']);
    inputs[0]?.write(lines(200));
    await new Promise<void>((resolve) => process.nextTick(resolve));
    inputs[0]?.destroy();
    for (let turns = 0; turns < 100; turns += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(claims).toHaveLength(200);
  });
});
