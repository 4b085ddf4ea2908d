import Docker from 'dockerode';
import type { RemovableKind } from '../../lib/engine/removable-kind';
import { answerAbout, capturedAnswers, type CapturedAnswer, type RemovalWords } from './captured-answers';
import { askEngine } from './ask-engine';
import type { FaultProxy } from './fault-proxy';
import type { Fault } from './fault-rules';

/** One existing thing whose removal is to meet the faults. */
export interface RemovalTarget {
  readonly kind: RemovableKind;
  readonly ref: string;
  /** The pattern of its removal: `DELETE /containers/3f2a91…`. */
  readonly removal: string;
  /** Its place in the Engine API: `/containers/3f2a91…`. */
  readonly path: string;
  readonly words: RemovalWords;
}

/** @param ref - As the removal will spell it, in full: an id, or a name that is not shortened on the way. */
export function removalTarget(
  kind: RemovableKind,
  ref: string,
  engine: keyof typeof capturedAnswers = 'docker',
): RemovalTarget {
  const path = `/${kind}s/${ref}`;
  return { kind, ref, path, removal: `DELETE ${path}`, words: capturedAnswers[engine][kind] };
}

/** A fault as the removal meets it, and how to ask for the removal so that it does. */
export interface FaultRow {
  readonly name: string;
  /** `aborted`: asked once, and aborted as soon as the removal has reached the proxy. */
  readonly asked: 'once' | 'twice at once' | 'aborted';
  /** Words that the engine must have for this kind; without them the row does not apply. */
  readonly needs?: keyof RemovalWords;
  /** What a removal that does its best leaves when it ends; what is still `there` the spec has to remove. */
  readonly leaves: 'gone' | 'there';
  readonly arm: (proxy: FaultProxy, target: RemovalTarget) => Promise<Armed>;
}

/** Faults that lie in wait. */
export interface Armed {
  /** Takes them back, and waits for what was done behind the client's back. */
  disarm(): Promise<void>;
}

/** Every removal faces these: all normal, one thing wrong. */
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
  { name: 'busy twice, then free', asked: 'once', needs: 'busy', leaves: 'gone', arm: says('busy', 2) },
  {
    name: 'another refusal, for ever',
    asked: 'once',
    needs: 'refused',
    leaves: 'there',
    arm: says('refused', Infinity),
  },
  { name: '500 once', asked: 'once', leaves: 'gone', arm: says('failed', 1) },
  { name: '500 for ever', asked: 'once', leaves: 'there', arm: says('failed', Infinity) },
  { name: 'reset', asked: 'once', leaves: 'gone', arm: disturb({ type: 'reset' }, 1) },
  {
    name: 'done, but the answer is lost',
    asked: 'once',
    leaves: 'gone',
    arm: disturb({ type: 'lose-answer' }, 1),
  },
  { name: 'said to be done, but is not', asked: 'once', leaves: 'gone', arm: saysDone },
  { name: 'no answer once', asked: 'once', leaves: 'gone', arm: disturb({ type: 'swallow' }, 1) },
  { name: 'no answer for ever', asked: 'once', leaves: 'there', arm: disturb({ type: 'swallow' }, Infinity) },
  { name: 'aborted', asked: 'aborted', leaves: 'there', arm: disturb({ type: 'swallow' }, Infinity) },
  {
    name: 'twice at once',
    asked: 'twice at once',
    leaves: 'gone',
    arm: async () => ({ disarm: async () => {} }),
  },
];

/** The rows that can happen to this thing on this engine. */
export function faultsOf(target: RemovalTarget): readonly FaultRow[] {
  return faultTable.filter(({ needs }) => needs === undefined || target.words[needs] !== undefined);
}

function disturb(fault: Fault, times: number): FaultRow['arm'] {
  return async (proxy, target) => {
    const rule = proxy.inject({ on: target.removal, fault, times });
    return { disarm: async () => rule.remove() };
  };
}

function says(what: keyof RemovalWords, times: number): FaultRow['arm'] {
  return (proxy, target) => disturb(inWords(target.ref, target.words[what]), times)(proxy, target);
}

function saysDone(proxy: FaultProxy, target: RemovalTarget): Promise<Armed> {
  const status = target.kind === 'image' ? 200 : 204;
  return disturb({ type: 'answer', status, body: [] }, 1)(proxy, target);
}

/** The first removal is told off; what holds the thing then removes it. */
function thenGone(what: keyof RemovalWords): FaultRow['arm'] {
  return async (proxy, target) => {
    let elsewhere = Promise.resolve();
    const rule = proxy.inject({
      on: target.removal,
      fault: () => {
        elsewhere = removeElsewhere(proxy, target);
        // Its failure is told by `disarm`, not by whoever happens to run now.
        elsewhere.catch(() => {});
        return inWords(target.ref, target.words[what]);
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

/** Somebody else's removal is in progress, and has failed when it is looked at; the second removal goes through. */
async function thenDead(proxy: FaultProxy, { ref, path, removal, words }: RemovalTarget): Promise<Armed> {
  const { message } = answerAbout(ref, words.failed ?? unseen).body;
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
        return nth === 1 ? inWords(ref, words.beingRemoved) : undefined;
      },
      times: Infinity,
    }),
    // What Docker 20.10.24 answers to `wait?condition=removed` when the removal has failed: 200.
    proxy.inject({
      on: `POST ${path}/wait`,
      fault: whileDead({ Error: { Message: message }, StatusCode: 137 }),
      times: Infinity,
    }),
    proxy.inject({ on: `GET ${path}/json`, fault: whileDead({ ...facts, State: dead }), times: Infinity }),
  ];
  return { disarm: async () => rules.forEach((rule) => rule.remove()) };
}

/** Where the engine was not seen to fail with this kind, a 500 says so in words of our own. */
const unseen: CapturedAnswer = { status: 500, body: { message: 'fault on purpose' } };

function inWords(ref: string, words: CapturedAnswer = unseen): Fault {
  return { type: 'answer', ...answerAbout(ref, words) };
}

async function removeElsewhere({ upstream }: FaultProxy, { path }: RemovalTarget): Promise<void> {
  const { status, body } = await askEngine(upstream, 'DELETE', `${path}?force=1&v=1`);
  if (status >= 300 && status !== 404) throw new Error(`DELETE ${path} past the proxy: ${status} ${body}`);
}
