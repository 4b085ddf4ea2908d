import { describe, expect, it } from '@jest/globals';
import { settingsLine } from '../../lib/reaper/daemon/log-line';
import { readSettings, reaperVariables } from '../../lib/reaper/daemon/settings';

describe("a reaper's settings", () => {
  it('default to those of Ryuk, plus castoff’s own', () => {
    expect(readSettings({})).toMatchObject({
      connectionTimeoutMs: 60_000,
      reconnectionTimeoutMs: 10_000,
      requestTimeoutMs: 10_000,
      removeRetries: 10,
      retryOffsetMs: -1_000,
      changesRetryIntervalMs: 1_000,
      shutdownTimeoutMs: 600_000,
      port: undefined,
      isVerbose: false,
      isStrict: false,
      graceMs: 500,
      host: undefined,
      socketPath: undefined,
      listenFd: undefined,
      token: undefined,
      maxConnections: 1_000,
      claimableKeys: undefined,
      maxRemovals: 1_000,
      isDryRun: false,
    });
  });

  it.each([
    ['RYUK_CONNECTION_TIMEOUT', '1m30s', { connectionTimeoutMs: 90_000 }],
    ['RYUK_RETRY_OFFSET', '-2s', { retryOffsetMs: -2_000 }],
    ['RYUK_PORT', '0', { port: 0 }],
    ['RYUK_VERBOSE', 'T', { isVerbose: true }],
    ['RYUK_COMPAT', 'strict', { isStrict: true }],
    ['RYUK_RECONNECTION_TIMEOUT', '', { reconnectionTimeoutMs: 10_000 }],
    ['CASTOFF_REAPER_GRACE', '0', { graceMs: 0 }],
    ['CASTOFF_REAPER_LISTEN_FD', '3', { listenFd: 3 }],
    ['CASTOFF_REAPER_CLAIMABLE_KEYS', 'a, b', { claimableKeys: ['a', 'b'] }],
    ['CASTOFF_REAPER_CLAIMABLE_KEYS', 'any', { claimableKeys: 'any' }],
    ['CASTOFF_REAPER_MAX_REMOVALS', 'none', { maxRemovals: Number.POSITIVE_INFINITY }],
    ['CASTOFF_REAPER_TOKEN', 'secret', { token: 'secret' }],
    ['CASTOFF_REAPER_SWEEP_EVERY', '10m', { sweepEveryMs: 600_000 }],
    ['CASTOFF_REAPER_MAX_LEASE_AGE', '1d12h', { maxLeaseAgeMs: 129_600_000 }],
  ])('take %s=%s', (variable, value, expected) => {
    expect(readSettings({ [variable]: value })).toMatchObject(expected);
  });

  it.each([
    ['RYUK_CONNECTION_TIMEOUT', '10', 'use a Go duration, such as 500ms, 10s or 1m0s'],
    ['RYUK_RECONNECTION_TIMEOUT', '-1s', 'use a Go duration, such as 500ms, 10s or 1m0s'],
    ['RYUK_SHUTDOWN_TIMEOUT', '1e9h', 'use a Go duration, such as 500ms, 10s or 1m0s'],
    [
      'RYUK_RETRY_OFFSET',
      'soon',
      'use a Go duration, such as 500ms, 10s or 1m0s; a negative one is in the past',
    ],
    ['RYUK_PORT', '65536', 'use a whole number from 0 to 65535'],
    ['RYUK_PORT', '-1', 'use a whole number from 0 to 65535'],
    ['RYUK_REMOVE_RETRIES', '1.5', 'use a whole number from 0 to 2147483647'],
    ['RYUK_VERBOSE', 'yes', 'use true or false'],
    ['RYUK_COMPAT', 'loose', 'use strict, or nothing'],
    ['CASTOFF_REAPER_MAX_CONNECTIONS', '0', 'use a whole number from 1 to 100000'],
    ['CASTOFF_REAPER_MAX_REMOVALS', '0', 'use a whole number from 1, or none'],
    ['CASTOFF_REAPER_LISTEN_FD', '1', 'use the number of a file descriptor, from 3'],
    ['CASTOFF_REAPER_SWEEP_EVERY', '500ms', 'use a duration from 1s, such as 10m, 12h or 2d'],
    ['CASTOFF_REAPER_CLAIMABLE_KEYS', 'a,,b', 'use comma-separated label keys, or any'],
  ])('reject %s=%s, and describe valid values', (variable, value, expected) => {
    expect(() => readSettings({ [variable]: value })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: `${variable}: got ${JSON.stringify(value)}; ${expected}`,
      }),
    );
  });

  it('name the flag that a value was given by', () => {
    const nameOf = (variable: string): string => (variable === 'RYUK_PORT' ? '--port' : variable);
    expect(() => readSettings({ RYUK_PORT: 'x' }, nameOf)).toThrow('--port: got "x"; use a whole number');
    expect(() => readSettings({ RYUK_VERBOSE: 'x' }, nameOf)).toThrow('RYUK_VERBOSE: got "x"');
  });

  it('are logged on one line, without the token', () => {
    const { facts } = settingsLine(
      'daemon',
      readSettings({ CASTOFF_REAPER_TOKEN: 'secret', RYUK_PORT: '1' }),
    );
    expect(facts).toMatchObject({ mode: 'daemon', connection_timeout: '1m0s', port: '1', token: 'set' });
    expect(JSON.stringify(facts)).not.toContain('secret');
  });

  it('document every variable', () => {
    for (const { variable, doc } of Object.values(reaperVariables)) {
      expect(variable).toMatch(/^(RYUK|CASTOFF_REAPER)_[A-Z_]+$/);
      expect(doc).not.toBe('');
    }
  });
});
