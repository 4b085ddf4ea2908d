import { describe, expect, it } from '@jest/globals';
import { runJest } from '../support/jest-run';

/** Prints all that tests see of the process and what its children inherit: the same with and without castoff. */
const look = `
  const { execFileSync, spawnSync } = require('node:child_process');
  const { EventEmitter } = require('node:events');

  const names = (env) => [Object.keys(env).length, ...Object.keys(env).filter((name) => /castoff|testcontainers/i.test(name)).sort()];
  const print = ['-p', 'JSON.stringify(Object.keys(process.env))'];
  const inherited = (options) =>
    names(Object.fromEntries(JSON.parse(execFileSync(process.execPath, print, { encoding: 'utf8', ...options })).map((name) => [name, ''])));
  const events = ['SIGINT', 'SIGTERM', 'SIGHUP', 'exit', 'beforeExit', 'uncaughtException', 'unhandledRejection', 'warning', 'message'];

  test('looks at its process', () => {
    const seen = {
      listeners: events.map((name) => process.listenerCount(name)),
      events: process.eventNames(),
      variables: names(process.env),
      inherited: inherited(),
      inheritedFromCopy: inherited({ env: { ...process.env } }),
    };
    process.stderr.write('seen: ' + JSON.stringify(seen) + '\\n');
    process.on('SIGTERM', () => {});
    expect(process.listenerCount('SIGTERM')).toBe(1);
    process.removeAllListeners('SIGTERM');
  });
`;
const files = { 'one.test.js': look, 'two.test.js': look };
const configs = { plain: '{ transform: {} }', castoff: "{ preset: 'castoff', transform: {} }" };

describe('a test', () => {
  it.each([
    ['in band', '30', ['--runInBand']],
    ['in workers', '30', ['--maxWorkers', '2']],
    ['in band', '29', ['--runInBand']],
  ] as const)(
    'sees the same listeners and variables, and its children the same variables, as without castoff: %s of Jest %s',
    async (_where, version, args) => {
      const seenBy = async (config: keyof typeof configs) => {
        const { stderr, exitCode } = await runJest('both-ways', {
          jest: version,
          args: [...args, 'one', 'two'],
          files: { ...files, 'jest.config.js': `module.exports = ${configs[config]};` },
        });
        expect(exitCode).toBe(0);
        return stderr.split('\n').filter((line) => line.startsWith('seen: '));
      };
      const plain = await seenBy('plain');
      expect(plain).toHaveLength(2);
      expect(await seenBy('castoff')).toEqual(plain);
    },
  );
});
