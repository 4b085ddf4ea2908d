import { describe, expect, it } from '@jest/globals';
import { ConnectionLimit } from '../../lib/reaper/daemon/connection-limit';
import type { Connection } from '../../lib/reaper/protocol/connection';

/** Connects clients, which a limit may dismiss. Returns the names of those that are connected. */
function openClients(max: number) {
  const limit = new ConnectionLimit(max);
  const connected = new Set<string>();
  const connect = (name: string, host?: string, hasLease = true): boolean => {
    if (!limit.admit(host)) return false;
    const connection = {
      hasLease,
      dismiss: () => {
        connected.delete(name);
        limit.remove(connection as unknown as Connection);
      },
    };
    limit.add(connection as unknown as Connection, host);
    connected.add(name);
    return true;
  };
  const connectMany = (count: number, host: string, hasLease = true): number =>
    Array.from({ length: count }, (_, index) => connect(`${host} ${index}`, host, hasLease)).filter(Boolean)
      .length;
  return { limit, connected, connect, connectMany };
}

describe('a limit of connections', () => {
  it('keeps a tenth for other hosts than the one with most connections', () => {
    const { connect, connectMany } = openClients(100);
    expect(connectMany(100, 'busy')).toBe(90);
    expect(connectMany(10, 'modest')).toBe(10);
    expect(connect('another', 'modest')).toBe(false);
  });

  it('replaces clients without a lease by others of the same host first', () => {
    const { connected, connect, connectMany } = openClients(100);
    expect(connect('modest', 'modest', false)).toBe(true);
    expect(connectMany(500, 'busy', false)).toBe(500);
    expect(connected.size).toBe(91);
    expect(connected).toContain('modest');
  });

  it('has no limit of its own for the clients of a local socket', () => {
    const { limit, connect } = openClients(20);
    for (let index = 0; index < 20; index += 1) expect(connect(`local ${index}`)).toBe(true);
    expect(connect('local 20')).toBe(false);
    limit.dismissAll();
    expect(limit.size).toBe(0);
    expect(connect('local 21')).toBe(true);
  });

  it('is not divided when it is smaller than ten', () => {
    const { connectMany } = openClients(9);
    expect(connectMany(10, 'only')).toBe(9);
  });
});
