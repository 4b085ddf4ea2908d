/** Testcontainers starts no reaper of its own where it reads `true` here. @see testcontainers, `getReaper` */
const variable = 'TESTCONTAINERS_RYUK_DISABLED';

/** `process`, or the copy of it that a sandbox of Jest has. */
interface EnvironmentHolder {
  env: NodeJS.ProcessEnv;
}

const switches = new WeakMap<EnvironmentHolder, { users: number; undo: () => void }>();

/**
 * Has code that reads `TESTCONTAINERS_RYUK_DISABLED` from `holder.env` find `true`, unless it is set to something. The variable is in no
 * list of names, so processes and threads that this code starts inherit what was there: castoff does not cover them.
 *
 * Returns what ends that; with several users, the last one does.
 */
export function disableRyuk(holder: EnvironmentHolder): () => void {
  const known = switches.get(holder) ?? { users: 0, undo: replaceEnv(holder) };
  switches.set(holder, known);
  known.users += 1;
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    known.users -= 1;
    if (known.users > 0) return;
    switches.delete(holder);
    known.undo();
  };
}

function replaceEnv(holder: EnvironmentHolder): () => void {
  let own = holder.env;
  let shown = withRyukOff(own);
  // Tests also assign it: `process.env = { ...before }`.
  Object.defineProperty(holder, 'env', {
    configurable: true,
    enumerable: true,
    get: () => shown,
    set(env: NodeJS.ProcessEnv) {
      if (env === shown) return;
      own = env;
      shown = withRyukOff(env);
    },
  });
  return () =>
    Object.defineProperty(holder, 'env', {
      configurable: true,
      enumerable: true,
      writable: true,
      value: own,
    });
}

function withRyukOff(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // Empty, it says nothing; as a name in the list it would be read with its value for a child process.
  if (env[variable] === '') delete env[variable];
  return new Proxy(env, {
    get: (target, name) => (name === variable ? (target[variable] ?? 'true') : Reflect.get(target, name)),
    set: (target, name, value) => Reflect.set(target, name, value),
  });
}
