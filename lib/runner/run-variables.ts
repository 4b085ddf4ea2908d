import { readVariable, setVariable } from '../core/environment';
import { processWide } from '../core/global-state';

/** The variables by which workers find their run. */
const names = ['CASTOFF_RUN', 'CASTOFF_RUN_CONFIG'] as const;

type RunVariable = (typeof names)[number];

const hidden = (): Map<RunVariable, string> =>
  processWide('run variables', () => new Map<RunVariable, string>());

/** Returns the value of a variable of the run, also while it is hidden. */
export function readRunVariable(name: RunVariable): string | undefined {
  return readVariable(name) ?? hidden().get(name);
}

/**
 * Removes the run's variables from the environment of this process while a test file runs: neither its code nor
 * its child processes belong to the run. Returns a function that restores them.
 */
export function hideRunVariables(): () => void {
  const removed = names.flatMap((name) => {
    const value = readVariable(name);
    return value === undefined ? [] : [{ name, value }];
  });
  for (const { name, value } of removed) {
    hidden().set(name, value);
    setVariable(name, undefined);
  }
  return () => {
    for (const { name, value } of removed) {
      hidden().delete(name);
      // A later run of this process may have set its own.
      if (readVariable(name) === undefined) setVariable(name, value);
    }
  };
}

/** Removes the run's variables from the copy of the environment in a sandbox. */
export function removeRunVariables(environment: NodeJS.ProcessEnv): void {
  for (const name of names) delete environment[name];
}
