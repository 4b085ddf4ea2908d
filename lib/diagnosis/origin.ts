import { sep } from 'node:path';
import { ownFolder } from '../core/source-line';

/** The code that created a handle. */
export interface Origin {
  /** The user's line, as `file:line`. */
  readonly line: string | undefined;
  readonly madeBy: 'user' | 'castoff' | 'test runner' | 'window' | 'node';
  /** The constructor of Node.js or a package that created it for the user. */
  readonly through?: 'Worker' | 'WebSocket' | 'BroadcastChannel' | undefined;
}

const constructors = ['Worker', 'WebSocket', 'BroadcastChannel'] as const;

/** Packages of test runners, whose own timers end with the run. */
const runners =
  '@cucumber|@jest|@playwright|@tapjs|@vitest|ava|jasmine|jasmine-core|mocha|playwright|qunit|tinypool|uvu|vitest';
const partsOfJest =
  'jest|jest-(?:circus|cli|environment-jsdom|environment-node|jasmine2|runner|runtime|util|watcher|worker)';
const runnerPackages = new RegExp(`[\\\\/]node_modules[\\\\/](?:${runners}|${partsOfJest})[\\\\/]`);

/** Windows of tests, which end their timers and requests when the test environment closes them. */
const windowPackages = /[\\/]node_modules[\\/](?:happy-dom|jsdom)[\\/]/;

/** Timers that Node.js ends with the child process, the connection or the `readline` that they belong to. */
const timerOfNode =
  /^(?:.*\bnode:internal\/async_hooks\b.*\n)*(?:.*\bnode:(?:internal\/)?timers\b.*\n)+.*\bnode:(?:child_process|net|internal\/readline)\b/;

/** Frames from the load of a module on. */
const fromLoad =
  /\n[^\n]*(?:[\\/]node_modules[\\/]jest-runtime[\\/]|\bVitestExecutor\.runModule \(|\b_runInlinedModule \(|\bnode:internal\/modules\/)[^]*$/;

/** Reads the origin of a resource from the stack where it was created. */
function readOrigin(stack: string, userLineIn: (stack: string) => string | undefined): Origin {
  const frames = stack.split('\n').slice(1);
  const nearest = nearestFrame(frames);
  // Code that a module of the user runs as it loads has its line there, and not where it is required.
  const line = userLineIn(stack.replace(fromLoad, '')) ?? userLineIn(stack);
  if (timerOfNode.test(frames.join('\n'))) return { line, madeBy: 'node' };
  if (nearest.includes(ownFolder + sep)) return { line, madeBy: 'castoff' };
  if (windowPackages.test(nearest)) return { line, madeBy: 'window' };
  if (line === undefined && runnerPackages.test(nearest)) return { line, madeBy: 'test runner' };
  const through = constructors.find((name) => frames.some((frame) => frame.includes(`at new ${name} (`)));
  return { line, madeBy: 'user', through };
}

/** castoff's wrappers of functions of Node.js: the code that called them is below. */
const wrapperFrame = /\b(?:watchedCall|interceptedSpawn)\b/;

/** Returns the nearest frame that is neither Node's nor a wrapper's. */
function nearestFrame(frames: readonly string[]): string {
  const others = frames.filter((frame) => !/\bnode:|<anonymous>\)?$/.test(frame));
  const firstOther = others.findIndex((frame) => !frame.includes(ownFolder + sep));
  const ours = firstOther === -1 ? others : others.slice(0, firstOther);
  return others[ours.findLastIndex((frame) => wrapperFrame.test(frame)) + 1] ?? '';
}

/** Returns a function that reads the origins of stacks, which are often the same: of each it reads the first. */
export function originReader(userLineIn: (stack: string) => string | undefined): (stack: string) => Origin {
  const known = new Map<string, Origin>();
  return (stack) => {
    const origin = known.get(stack) ?? readOrigin(stack, userLineIn);
    known.set(stack, origin);
    return origin;
  };
}
