import Docker from 'dockerode';
import type { RemovableKind } from '../../lib/core/kinds';
import { answerAbout, capturedAnswers, type CapturedAnswer, type RemovalAnswers } from './captured-answers';
import { askEngine } from './ask-engine';
import type { FaultProxy } from './fault-proxy';
import type { Fault } from './fault-rules';

/** An existing resource whose removal faces the faults. */
export interface RemovalTarget {
  readonly kind: RemovableKind;
  readonly ref: string;
  /** The pattern of its removal: `DELETE /containers/3f2a91…`. */
  readonly removal: string;
  /** Its path in the Engine API: `/containers/3f2a91…`. */
  readonly path: string;
  readonly answers: RemovalAnswers;
}

/** @param ref - As in the path of the removal: a full id or name. */
export function removalTarget(
  kind: RemovableKind,
  ref: string,
  engine: keyof typeof capturedAnswers = 'docker',
): RemovalTarget {
  const path = `/${kind}s/${ref}`;
  return { kind, ref, path, removal: `DELETE ${path}`, answers: capturedAnswers[engine][kind] };
}

/** A fault, and how to request the removal that faces it. */
export interface FaultRow {
  readonly name: string;
  /** `aborted`: requested once, and aborted as soon as the removal has reached the proxy. */
  readonly asked: 'once' | 'twice at once' | 'aborted';
  /** The captured response that this row needs; without it, the row does not apply to a kind. */
  readonly needs?: keyof RemovalAnswers;
  /**
   * Whether the resource is gone after the best possible removal; the spec has to remove one that is still
   * `there`.
   */
  readonly leaves: 'gone' | 'there';
  readonly arm: (proxy: FaultProxy, target: RemovalTarget) => Promise<Armed>;
}

/** Injected faults. */
export interface Armed {
  /** Removes the faults, and waits for concurrent removals. */
  disarm(): Promise<void>;
}

/** Every removal faces these: all normal except for one fault. */
const faultTable: readonly FaultRow[] = [
  {
    name: '404',
    asked: 'once',
    leaves: 'gone',
    arm: async (proxy, target) => {
      await removeElsewhere(proxy, target);
      return { disarm: async () => {} };
    },
  },
  {
    name: '409 in progress, then gone',
    asked: 'once',
    needs: 'beingRemoved',
    leaves: 'gone',
    arm: thenGone('beingRemoved'),
  },
  { name: '409 in progress, then dead', asked: 'once', needs: 'beingRemoved', leaves: 'gone', arm: thenDead },
  {
    name: '409 in progress, then gone, and the wait is cut off',
    asked: 'once',
    needs: 'beingRemoved',
    leaves: 'gone',
    arm: async (proxy, target) => {
      const wait = proxy.inject({ on: `POST ${target.path}/wait`, fault: { type: 'cut-answer' } });
      const armed = await thenGone('beingRemoved')(proxy, target);
      return {
        disarm: async () => {
          wait.remove();
          await armed.disarm();
        },
      };
    },
  },
  { name: 'busy, then gone', asked: 'once', needs: 'busy', leaves: 'gone', arm: thenGone('busy') },
  { name: 'busy twice, then free', asked: 'once', needs: 'busy', leaves: 'gone', arm: respond('busy', 2) },
  {
    name: 'another refusal, every time',
    asked: 'once',
    needs: 'refused',
    leaves: 'there',
    arm: respond('refused', Infinity),
  },
  { name: '500 once', asked: 'once', leaves: 'gone', arm: respond('failed', 1) },
  { name: '500 every time', asked: 'once', leaves: 'there', arm: respond('failed', Infinity) },
  { name: 'reset', asked: 'once', leaves: 'gone', arm: disturb({ type: 'reset' }, 1) },
  {
    name: 'done, but the answer is lost',
    asked: 'once',
    leaves: 'gone',
    arm: disturb({ type: 'lose-answer' }, 1),
  },
  { name: 'reported as done, but not done', asked: 'once', leaves: 'gone', arm: respondDone },
  { name: 'no answer once', asked: 'once', leaves: 'gone', arm: disturb({ type: 'swallow' }, 1) },
  {
    name: 'no answer, every time',
    asked: 'once',
    leaves: 'there',
    arm: disturb({ type: 'swallow' }, Infinity),
  },
  { name: 'aborted', asked: 'aborted', leaves: 'there', arm: disturb({ type: 'swallow' }, Infinity) },
  {
    name: 'twice at once',
    asked: 'twice at once',
    leaves: 'gone',
    arm: async () => ({ disarm: async () => {} }),
  },
];

/** Returns the rows that apply to this resource on this engine. */
export function faultsOf(target: RemovalTarget): readonly FaultRow[] {
  return faultTable.filter(({ needs }) => needs === undefined || target.answers[needs] !== undefined);
}

function disturb(fault: Fault, times: number): FaultRow['arm'] {
  return async (proxy, target) => {
    const rule = proxy.inject({ on: target.removal, fault, times });
    return { disarm: async () => rule.remove() };
  };
}

function respond(what: keyof RemovalAnswers, times: number): FaultRow['arm'] {
  return (proxy, target) => disturb(answerWith(target.ref, target.answers[what]), times)(proxy, target);
}

function respondDone(proxy: FaultProxy, target: RemovalTarget): Promise<Armed> {
  const status = target.kind === 'image' ? 200 : 204;
  return disturb({ type: 'answer', status, body: [] }, 1)(proxy, target);
}

/** Refuses the first removal; another client then removes the resource. */
function thenGone(what: keyof RemovalAnswers): FaultRow['arm'] {
  return async (proxy, target) => {
    let elsewhere = Promise.resolve();
    const rule = proxy.inject({
      on: target.removal,
      fault: () => {
        elsewhere = removeElsewhere(proxy, target);
        // `disarm` reports its failure, rather than the spec that happens to run now.
        elsewhere.catch(() => {});
        return answerWith(target.ref, target.answers[what]);
      },
    });
    return {
      disarm: async () => {
        rule.remove();
        await elsewhere;
      },
    };
  };
}

/** Another client's removal is in progress, and has failed by the inspection; the second removal succeeds. */
async function thenDead(proxy: FaultProxy, { ref, path, removal, answers }: RemovalTarget): Promise<Armed> {
  const { message } = answerAbout(ref, answers.failed ?? madeUp).body;
  const { State, ...facts } = await new Docker({ socketPath: proxy.upstream }).getContainer(ref).inspect();
  const dead = {
    ...State,
    Status: 'dead',
    Running: false,
    Dead: true,
    Pid: 0,
    ExitCode: 137,
    Error: message,
  };
  let removals = 0;
  const whileDead = (body: object) => (): Fault | undefined =>
    removals === 1 ? { type: 'answer', status: 200, body } : undefined;
  const rules = [
    proxy.inject({
      on: removal,
      fault: (_asked, nth) => {
        removals = nth;
        return nth === 1 ? answerWith(ref, answers.beingRemoved) : undefined;
      },
      times: Infinity,
    }),
    // Docker 20.10.24 responds to `wait?condition=removed` with 200 when the removal has failed.
    proxy.inject({
      on: `POST ${path}/wait`,
      fault: whileDead({ Error: { Message: message }, StatusCode: 137 }),
      times: Infinity,
    }),
    proxy.inject({ on: `GET ${path}/json`, fault: whileDead({ ...facts, State: dead }), times: Infinity }),
  ];
  return { disarm: async () => rules.forEach((rule) => rule.remove()) };
}

/** Replaces a failure of the engine that was never captured for a kind. */
const madeUp: CapturedAnswer = { status: 500, body: { message: 'fault on purpose' } };

function answerWith(ref: string, answer: CapturedAnswer = madeUp): Fault {
  return { type: 'answer', ...answerAbout(ref, answer) };
}

async function removeElsewhere({ upstream }: FaultProxy, { path }: RemovalTarget): Promise<void> {
  const { status, body } = await askEngine(upstream, 'DELETE', `${path}?force=1&v=1`);
  if (status >= 300 && status !== 404) throw new Error(`DELETE ${path} without the proxy: ${status} ${body}`);
}
