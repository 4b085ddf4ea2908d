import type { ChildProcess } from 'node:child_process';
import { isInForeground } from '../processes/terminal';
import { handledSignals, judgeSignal, type ReceivedSignal } from './judge-signal';

/** What castoff does on a signal besides forwarding it. */
export interface SignalActions {
  /** The command has ended, and castoff removes what it left. */
  readonly announce: (signal: NodeJS.Signals) => void;
  /** @param child - The pid of the command, if it runs. */
  readonly endAtOnce: (signal: NodeJS.Signals, child: number | undefined) => void;
}

/** The handling of this process's signals while it runs a command. */
export interface CommandSignals {
  /** Forwards signals to the command from now on, until it exits. */
  readonly forwardTo: (child: ChildProcess) => void;
  /** Restores the default actions. */
  stop(): void;
}

/** Handles the signals of this process as {@link judgeSignal} decides. */
export function handleSignals({ announce, endAtOnce }: SignalActions): CommandSignals {
  const earlier: ReceivedSignal[] = [];
  let command: ChildProcess | undefined;
  const handle = (signal: NodeJS.Signals): void => {
    const received = { signal, atMs: performance.now() };
    const isRunning = command?.exitCode === null && command.signalCode === null;
    const effect = judgeSignal(received, { isRunning, isFromTerminal: isInForeground(), earlier });
    earlier.push(received);
    if (effect === 'forward') command?.kill(signal);
    else if (effect === 'announce') announce(signal);
    else if (effect === 'end-at-once') endAtOnce(signal, isRunning ? command?.pid : undefined);
  };
  for (const signal of handledSignals) process.on(signal, handle);
  return {
    forwardTo: (child) => void (command = child),
    stop() {
      for (const signal of handledSignals) process.off(signal, handle);
    },
  };
}
