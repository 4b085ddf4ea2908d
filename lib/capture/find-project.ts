import { projectFolderLabel } from '../core/labels';
import { byClockOfEngine, isAllNew, projectsIn, unnamedOf } from '../commands/new-project';
import { valueOf, type Engine } from '../engine/engine';
import { identityOf } from '../engine/identity';
import { listTargets } from '../engine/list-targets';
import { readEngineClock } from '../engine/system-calls';
import { realPath } from '../resources/project-folder';
import { listParts } from '../resources/project-parts';

/** A command that starts a Compose project. */
export interface ProjectStart {
  /** The project name, if the command has one. */
  readonly project?: string | undefined;
  readonly folders: readonly string[];
  readonly startedAtMs: number;
}

/** A project with the identities of the parts that a command created. */
export interface FoundProject {
  readonly name: string;
  readonly only: readonly string[];
}

/** Finds the project whose parts, except for `known` ones, were all created since the command started. */
export async function findProject(
  engine: Engine,
  { project, folders, startedAtMs }: ProjectStart,
  known: ReadonlySet<string>,
): Promise<FoundProject | undefined> {
  const names = project === undefined ? await findNames(engine, folders) : [project];
  if (names.length === 0) return undefined;
  const beforeMs = Date.now();
  const engineMs = valueOf(await readEngineClock(engine));
  const sinceMs = byClockOfEngine(startedAtMs, { engineMs, beforeMs, afterMs: Date.now() });
  const projects = await Promise.all(
    names.map(async (name) => {
      const parts = await listParts(engine, name);
      return { name, parts: parts.filter((part) => !known.has(identityOf(part))) };
    }),
  );
  const fresh = projects.filter(({ parts }) => isAllNew(parts, sinceMs));
  const freshNames = fresh.map(({ name }) => name);
  const chosen = project === undefined ? unnamedOf(freshNames, folders[0] ?? '') : freshNames[0];
  const found = fresh.find(({ name }) => name === chosen);
  return found && { name: found.name, only: found.parts.map((part) => identityOf(part)) };
}

async function findNames(engine: Engine, folders: readonly string[]): Promise<readonly string[]> {
  const containers = await listTargets(engine, [projectFolderLabel], ['container']);
  return projectsIn(folders, containers, realPath);
}
