import { createHook } from 'node:async_hooks';
import { join } from 'node:path';

const lib = join(__dirname, '../../lib/');

/** Follows the timers that code of `lib` starts from now on. */
export interface TimerWatch extends Disposable {
  /** Returns where each timer was started that is neither cleared nor due: the line of `lib`. */
  running(): readonly string[];
}

/** Starts to follow the timers of `lib` in this process. */
export function watchTimers(): TimerWatch {
  const timers: { readonly timer: object; readonly line: string }[] = [];
  const hook = createHook({
    init(_id, type, _trigger, timer) {
      if (type !== 'Timeout') return;
      const frames = (new Error('where').stack ?? '').split('\n').slice(2);
      // The frame that called the timer function; specs start timers, too.
      const line = frames.find((frame) => !frame.includes('node:'));
      if (line?.includes(lib) === true) timers.push({ timer, line: line.trim() });
    },
  }).enable();
  const isRunning = (timer: object): boolean => Reflect.get(timer, '_destroyed') === false;
  return {
    running: () => timers.filter(({ timer }) => isRunning(timer)).map(({ line }) => line),
    [Symbol.dispose]: () => void hook.disable(),
  };
}
