import { makeOwnFolder } from '../registry/own-folder';
import { readOwnContainerId } from '../registry/own-container';
import { connectEngine } from '../engine/connect';
import { probeReaper } from '../lease/probe-reaper';
import { chooseReaper } from '../lease/reaper-choice';
import type { DoctorCheck } from './doctor-check';
import { checkEngine } from './check-engine';
import { checkMachine } from './check-machine';
import { checkPackages } from './check-packages';
import { checkReaper } from './check-reaper';
import type { DoctorFacts, Reading } from './doctor-facts';
import { read, readEngine } from './read-engine';
import { findPackage } from './read-packages';
import { listSetVariables } from './read-variables';

/**
 * Examines engine, reaper, packages and environment. Changes nothing on the engine. Resolves to one check for
 * each subject; what cannot be read is a check that fails.
 *
 * @param folder - Where packages are looked up.
 */
export async function examine(folder: string): Promise<readonly DoctorCheck[]> {
  const facts = await gatherFacts(folder);
  return [...checkEngine(facts), ...checkReaper(facts), ...checkPackages(facts), ...checkMachine(facts)];
}

async function gatherFacts(folder: string): Promise<DoctorFacts> {
  const reaper = await read(() => chooseReaper());
  return {
    nodeVersion: process.versions.node,
    packages: ['castoff', 'jest', 'testcontainers'].map((name) => findPackage(name, folder)),
    variables: listSetVariables(process.env),
    folder: await read(() => makeOwnFolder()),
    reaper,
    reaperAtAddress: await probeAddress(reaper),
    ownContainer: readOwnContainerId(),
    engine: await readOf(connectEngine),
  };
}

async function readOf(connect: typeof connectEngine): Promise<DoctorFacts['engine']> {
  try {
    return { value: await readEngine(await connect()) };
  } catch (error) {
    // All lines: each address that was tried, and why it failed.
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

async function probeAddress(reaper: DoctorFacts['reaper']): Promise<Reading<string> | undefined> {
  if ('error' in reaper || typeof reaper.value !== 'object') return undefined;
  const { value } = reaper;
  return read(async () => {
    await probeReaper(value);
    return value.address;
  });
}
