import { processWide } from '../core/global-state';

const markKey: unique symbol = Symbol.for('castoff.agent');

/** One for each realm's copy of castoff: a sandbox of Jest has its own. */
const ownMark = (): object => processWide('agent mark', () => ({}));

/** Marks requests through `agent` as castoff's own. */
export function markAgent<A extends object>(agent: A): A {
  return Object.assign(agent, { [markKey]: ownMark() });
}

/** Returns whether a request through `agent` was sent by any copy of castoff. */
export function isCastoffAgent(agent: unknown): boolean {
  return markOf(agent) !== undefined;
}

/** Returns whether a request through `agent` was sent by this copy of castoff, which has its own registry. */
export function isOwnAgent(agent: unknown): boolean {
  return markOf(agent) === ownMark();
}

function markOf(agent: unknown): unknown {
  return typeof agent === 'object' && agent !== null ? Reflect.get(agent, markKey) : undefined;
}
