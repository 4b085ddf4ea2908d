import { processWide } from '../core/global-state';

const markKey: unique symbol = Symbol.for('castoff.agent');

/** One for each realm's copy of castoff: the one in a sandbox of Jest is not the one around it. */
const ownMark = (): object => processWide('mark of agents', () => ({}));

/** Makes what goes through `agent` known as castoff's own. */
export function markAgent<A extends object>(agent: A): A {
  return Object.assign(agent, { [markKey]: ownMark() });
}

/** Whether what goes through `agent` is a request of castoff, of whichever copy. */
export function isCastoffAgent(agent: unknown): boolean {
  return markOf(agent) !== undefined;
}

/** Whether what goes through `agent` is a request of this very copy: of the code that keeps this copy's registry. */
export function isOwnAgent(agent: unknown): boolean {
  return markOf(agent) === ownMark();
}

function markOf(agent: unknown): unknown {
  return typeof agent === 'object' && agent !== null ? Reflect.get(agent, markKey) : undefined;
}
