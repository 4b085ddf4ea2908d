import { describe, expect, it } from '@jest/globals';
import { judgeSignal, type ReceivedSignal } from '../../lib/command-run/judge-signal';
import {
  codeOfFailedStart,
  endOfProcess,
  statusAfter,
  type CommandStatus,
} from '../../lib/command-run/command-status';

type Sent = readonly [signal: NodeJS.Signals, atMs: number];

/** Judges signals one after another. `at`: when the command ends. */
function judgeAll(sent: readonly Sent[], { isFromTerminal = false, at = Infinity } = {}): readonly string[] {
  const earlier: ReceivedSignal[] = [];
  return sent.map(([signal, atMs]) => {
    const effect = judgeSignal({ signal, atMs }, { isRunning: atMs < at, isFromTerminal, earlier });
    earlier.push({ signal, atMs });
    return effect;
  });
}

describe('a signal of castoff run', () => {
  it.each<[string, readonly Sent[], object, readonly string[]]>([
    ['is forwarded', [['SIGTERM', 0]], {}, ['forward']],
    ['is forwarded although nothing ends by it', [['SIGUSR1', 0]], {}, ['forward']],
    [
      'is not sent again by castoff if the terminal sent it',
      [['SIGINT', 0]],
      { isFromTerminal: true },
      ['ignore'],
    ],
    [
      'is forwarded if no key of a terminal sends it',
      [['SIGTERM', 0]],
      { isFromTerminal: true },
      ['forward'],
    ],
    ['ends castoff at once the second time', [['SIGINT', 0], ['SIGINT', 900]], {}, ['forward', 'end-at-once']], // prettier-ignore
    ['is one signal if npm forwards it, too', [['SIGINT', 0], ['SIGINT', 4]], { isFromTerminal: true }, ['ignore', 'ignore']], // prettier-ignore
    [
      'is another request after a while',
      [
        ['SIGINT', 0],
        ['SIGINT', 9_000],
      ],
      {},
      ['forward', 'forward'],
    ],
    [
      'is forwarded after a different one',
      [
        ['SIGINT', 0],
        ['SIGTERM', 900],
      ],
      {},
      ['forward', 'forward'],
    ],
    ['is announced after the command', [['SIGINT', 5]], { at: 5 }, ['announce']],
    ['ends castoff at once after one during the command', [['SIGINT', 0], ['SIGTERM', 9_000]], { at: 10 }, ['forward', 'end-at-once']], // prettier-ignore
    ['counts once if it ends the command', [['SIGINT', 0], ['SIGINT', 20]], { at: 10 }, ['forward', 'ignore']], // prettier-ignore
    ['of another kind does not matter after the command', [['SIGWINCH', 5]], { at: 0 }, ['ignore']],
  ])('%s', (_, sent, situation, effects) => {
    expect(judgeAll(sent, situation)).toEqual(effects);
  });
});

describe('the end of castoff run', () => {
  it.each<[CommandStatus, boolean, CommandStatus]>([
    [{ code: 0 }, false, { code: 0 }],
    [{ code: 0 }, true, { code: 1 }],
    [{ code: 3 }, true, { code: 3 }],
    [{ signal: 'SIGTERM' }, true, { signal: 'SIGTERM' }],
  ])('is after %j and a failed run (%j): %j', (command, isRunFailed, expected) => {
    expect(statusAfter(command, isRunFailed)).toEqual(expected);
  });

  it.each<[CommandStatus, NodeJS.Platform, CommandStatus]>([
    [{ code: 7 }, 'linux', { code: 7 }],
    [{ signal: 'SIGKILL' }, 'linux', { signal: 'SIGKILL' }],
    [{ signal: 'SIGSEGV' }, 'linux', { code: 139 }],
    [{ signal: 'SIGTERM' }, 'win32', { code: 143 }],
  ])('of a process is for %j on %s: %j', (status, platform, expected) => {
    expect(endOfProcess(status, platform)).toEqual(expected);
  });

  it('is 127 for a command that does not exist, and 126 for one that cannot be executed', () => {
    expect(codeOfFailedStart(Object.assign(new Error('spawn'), { code: 'ENOENT' }))).toBe(127);
    expect(codeOfFailedStart(Object.assign(new Error('spawn'), { code: 'EACCES' }))).toBe(126);
  });
});
