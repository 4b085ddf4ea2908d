import { describe, expect, it } from '@jest/globals';
import type { LogEntry } from '../../lib/reaper/daemon/log-line';
import { runProgram } from '../../lib/reaper/daemon/program';
import { sweepPeriodically } from '../../lib/reaper/daemon/periodic-sweep';
import { formatForTerminal } from '../../lib/reaper/daemon/terminal-log';
import { until } from '../support/until';

const swept = (action: string, error?: Error) => ({
  kind: 'container',
  id: '1',
  name: 'web',
  session: 's',
  proof: 'no process 4711 on this boot',
  action,
  error,
});

describe('the sweeps of a standing reaper', () => {
  it('are repeated, also after one that failed, and log what each removed and could not remove', async () => {
    const lines: LogEntry[] = [];
    let count = 0;
    const sweeping = sweepPeriodically({
      everyMs: 1,
      write: (line) => lines.push(line),
      isDryRun: false,
      async sweep() {
        count += 1;
        if (count === 1) throw new Error('no engine');
        return { things: [swept('removed'), swept('kept'), swept('failed', new Error('500'))] };
      },
    });
    expect(await until(() => count >= 3)).toBe(true);
    await sweeping.stop();
    expect(lines.slice(0, 3).map(({ level, message }) => `${level} ${message}`)).toEqual([
      'ERROR sweep failed',
      'INFO swept',
      'ERROR not swept',
    ]);
    expect(lines[1]?.facts).toEqual({
      container: 'web',
      id: '1',
      session: 's',
      proof: 'no process 4711 on this boot',
    });
    const atStop = count;
    await new Promise(setImmediate);
    expect(count).toBe(atStop);
  });

  it('remove nothing in a dry run, and log what would be removed', async () => {
    const lines: LogEntry[] = [];
    const dryRuns: boolean[] = [];
    const sweeping = sweepPeriodically({
      everyMs: 60_000,
      write: (line) => lines.push(line),
      isDryRun: true,
      async sweep({ dryRun }) {
        dryRuns.push(dryRun);
        return { things: [swept('would-remove')] };
      },
    });
    expect(await until(() => lines.length > 0)).toBe(true);
    await sweeping.stop();
    expect(dryRuns).toEqual([true]);
    expect(lines).toMatchObject([{ level: 'INFO', message: 'would sweep', facts: { container: 'web' } }]);
  });

  it('end with the reaper, which waits for the one in progress', async () => {
    let isStopped = false;
    const sweeping = sweepPeriodically({
      everyMs: 60_000,
      write: () => undefined,
      isDryRun: false,
      async sweep({ signal }) {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        isStopped = true;
        throw signal.reason;
      },
    });
    await sweeping.stop();
    expect(isStopped).toBe(true);
  });
});

describe('the program of the reaper in a container', () => {
  it('refuses to sweep: it cannot prove that owners are dead', async () => {
    await expect(runProgram(['daemon'], { CASTOFF_REAPER_SWEEP_EVERY: '10m' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^CASTOFF_REAPER_SWEEP_EVERY: .*castoff reaper run --sweep-every/),
    });
  });
});

describe('the log on a terminal', () => {
  it('has the time of day, the message and its facts on one line', () => {
    const at = new Date(2026, 10, 29, 9, 5, 7);
    const entry: LogEntry = {
      level: 'INFO',
      message: 'client connected',
      facts: { address: 'a:1', clients: 2 },
    };
    expect(formatForTerminal(entry, at)).toBe('09:05:07  client connected      address a:1, clients 2');
    const forged = { ...entry, facts: { address: 'a\n\u001B[2J' } };
    expect(formatForTerminal(forged, at)).toBe('09:05:07  client connected      address a??[2J');
  });
});
