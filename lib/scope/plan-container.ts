import { CastoffError } from '../core/errors';
import { creationLabels } from '../core/labels';
import { withTimeout, type TimeoutOptions } from '../core/timeout';
import { watchReadiness } from './ready-watch';
import type { Method, StartPlan, Starting } from './start-plan';

/** Plans a start with labels for it alone. @throws CastoffError `CONFIG_INVALID` for `withReuse()` */
export function planContainer(what: string, container: Method<'withLabels'> & Starting): StartPlan {
  if (Reflect.get(container, 'reuse') === true) {
    throw new CastoffError(
      'CONFIG_INVALID',
      `scope.start: this ${what} uses withReuse(), which outlives every scope; start it yourself, or drop withReuse()`,
    );
  }
  return {
    what,
    kind: 'container',
    start: ({ labels, signal, onUnready }) =>
      runInTurn(container, { what: `start ${what} after another start of it`, signal }, async () => {
        const restore = saveLabels(container);
        container.withLabels({ ...labels, ...creationLabels('container') });
        const unwatch = watchReadiness(container, onUnready);
        try {
          return await container.start();
        } finally {
          unwatch();
          restore();
        }
      }),
  };
}

/** Returns a function that restores the current labels: castoff does not own later starts by the user. */
function saveLabels(definition: object): () => void {
  const options: unknown = Reflect.get(definition, 'createOpts');
  if (typeof options !== 'object' || options === null) return () => undefined;
  const before = Object.getOwnPropertyDescriptor(options, 'Labels');
  return () => {
    if (before === undefined) Reflect.deleteProperty(options, 'Labels');
    else Object.defineProperty(options, 'Labels', before);
  };
}

const turns = new WeakMap<object, Promise<void>>();

// A definition has one set of labels: two concurrent starts would both use the labels of the second.
async function runInTurn<T>(definition: object, limits: TimeoutOptions, work: () => Promise<T>): Promise<T> {
  const before = turns.get(definition) ?? Promise.resolve();
  const { promise: finished, resolve: finish } = Promise.withResolvers<void>();
  const after = before.then(() => finished);
  turns.set(definition, after);
  try {
    await withTimeout(before, limits);
    return await work();
  } finally {
    finish();
  }
}
