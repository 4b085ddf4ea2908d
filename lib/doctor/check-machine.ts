import { failure, ok, warning, type DoctorCheck, type CheckResult } from './doctor-check';
import type { DoctorFacts, SetVariable } from './doctor-facts';

/** Judges castoff's folder on this machine, and the environment variables that are set. */
export function checkMachine({
  folder,
  variables,
}: Pick<DoctorFacts, 'folder' | 'variables'>): readonly DoctorCheck[] {
  return [
    {
      name: 'folder',
      ...('value' in folder
        ? ok(`${folder.value} has castoff's journals, logs and sockets`)
        : failure(folder.error, 'set TMPDIR to a folder that you can write to')),
    },
    { name: 'variables', ...judgeVariables(variables) },
  ];
}

function judgeVariables(variables: readonly SetVariable[]): CheckResult {
  const unknown = variables.filter(({ isKnown }) => !isKnown).map(({ name }) => name);
  const known = variables.filter(({ isKnown }) => isKnown).map(({ name, shown }) => `${name}=${shown}`);
  const inEffect = known.length === 0 ? 'none is set' : known.join(' ');
  if (unknown.length === 0) return ok(inEffect);
  return warning(
    `${inEffect}; castoff has no ${unknown.join(' and no ')}`,
    'docs/environment.md lists its variables',
  );
}
