import type { VariableName } from './environment';

/** When `true`, Testcontainers starts no reaper of its own. @see testcontainers, `getReaper` */
const variable: VariableName = 'TESTCONTAINERS_RYUK_DISABLED';

/** `process`, or its copy in a sandbox of Jest. */
interface EnvironmentHolder {
  env: NodeJS.ProcessEnv;
}

const replaced = new WeakMap<EnvironmentHolder, { users: number; restore: () => void }>();

/**
 * Makes `holder.env.TESTCONTAINERS_RYUK_DISABLED` read as `true`, unless it is set.
 *
 * The variable is not enumerable, so child processes and threads do not inherit it: castoff does not cover
 * them. Returns a function that restores `holder.env`, once every caller has called theirs.
 */
export function disableRyuk(holder: EnvironmentHolder): () => void {
  const replacement = replaced.get(holder) ?? { users: 0, restore: replaceEnv(holder) };
  replaced.set(holder, replacement);
  replacement.users += 1;
  let isReleased = false;
  return () => {
    if (isReleased) return;
    isReleased = true;
    replacement.users -= 1;
    if (replacement.users > 0) return;
    replaced.delete(holder);
    replacement.restore();
  };
}

function replaceEnv(holder: EnvironmentHolder): () => void {
  let original = holder.env;
  let proxy = withRyukDisabled(original);
  // Tests also assign it: `process.env = { ...before }`.
  const property = { configurable: true, enumerable: true };
  Object.defineProperty(holder, 'env', {
    ...property,
    get: () => proxy,
    set(env: NodeJS.ProcessEnv) {
      if (env === proxy) return;
      original = env;
      proxy = withRyukDisabled(env);
    },
  });
  return () => Object.defineProperty(holder, 'env', { ...property, writable: true, value: original });
}

function withRyukDisabled(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  // An empty value means unset; an enumerable name would be read through the proxy for a child process.
  if (env[variable] === '') delete env[variable];
  return new Proxy(env, {
    get: (target, name) => (name === variable ? (target[variable] ?? 'true') : Reflect.get(target, name)),
    set: (target, name, value) => Reflect.set(target, name, value),
  });
}
