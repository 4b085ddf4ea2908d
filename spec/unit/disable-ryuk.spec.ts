import { execFileSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { disableRyuk } from '../../lib/core/disable-ryuk';

const name = 'TESTCONTAINERS_RYUK_DISABLED';
const print = `process.stdout.write(String(process.env['${name}']))`;

/** Returns the value that a child process with `env` reads. */
function readInChild(env: NodeJS.ProcessEnv): string {
  return execFileSync(process.execPath, ['-e', print], { env, encoding: 'utf8' });
}

function holderOf(env: NodeJS.ProcessEnv): { env: NodeJS.ProcessEnv } {
  return { env: { PATH: process.env['PATH'], ...env } };
}

describe('a process in which Ryuk is disabled', () => {
  it('reads true, while its child processes and threads do not inherit the variable', async () => {
    const holder = holderOf({});
    disableRyuk(holder);
    expect(holder.env[name]).toBe('true');
    expect(readInChild(holder.env)).toBe('undefined');
    expect(readInChild({ ...holder.env })).toBe('undefined');
    const code = `require('node:worker_threads').parentPort.postMessage(String(process.env['${name}']))`;
    const worker = new Worker(code, { eval: true, env: holder.env });
    expect(await once(worker, 'message')).toEqual(['undefined']);
  });

  it('also reads true from an environment that a test has assigned', () => {
    const holder = holderOf({ A: '1' });
    disableRyuk(holder);
    holder.env = { ...holder.env, B: '2' };
    expect(holder.env).toMatchObject({ A: '1', B: '2' });
    expect(holder.env[name]).toBe('true');
    holder.env['C'] = '3';
    delete holder.env['A'];
    expect(Object.keys(holder.env)).toEqual(['PATH', 'B', 'C']);
  });

  it.each(['true', 'false'])('reads and passes on %s when it is set to that', (value) => {
    const holder = holderOf({ [name]: value });
    disableRyuk(holder);
    expect([holder.env[name], readInChild(holder.env)]).toEqual([value, value]);
  });

  it('treats an empty value as unset', () => {
    const holder = holderOf({ [name]: '' });
    disableRyuk(holder);
    expect([holder.env[name], readInChild(holder.env)]).toEqual(['true', 'undefined']);
  });

  it('reads a value that is set later', () => {
    const holder = holderOf({});
    disableRyuk(holder);
    holder.env[name] = 'false';
    expect(holder.env[name]).toBe('false');
  });

  it('gets its own environment back once the last user has released it', () => {
    const holder = holderOf({});
    const { env } = holder;
    const [first, second] = [disableRyuk(holder), disableRyuk(holder)];
    first();
    first();
    expect(holder.env[name]).toBe('true');
    second();
    expect(holder.env).toBe(env);
    expect(Object.getOwnPropertyDescriptor(holder, 'env')).toMatchObject({ writable: true });
  });
});
