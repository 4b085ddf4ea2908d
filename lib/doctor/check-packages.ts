import { failure, ok, warning, type DoctorCheck } from './doctor-check';
import type { DoctorFacts, FoundPackage } from './doctor-facts';
import { packageVersion } from '../core/package-version';

type Version = readonly [major: number, minor: number];

interface SupportedVersions {
  readonly oldest: Version;
  /** The newest major version that castoff is tested with. */
  readonly newestMajor: number;
}

/** The versions that castoff supports; the peer dependencies in package.json have the oldest ones, too. */
export const supportedVersions = {
  node: { oldest: [22, 12], newestMajor: 26 },
  jest: { oldest: [29, 0], newestMajor: 30 },
  testcontainers: { oldest: [8, 8], newestMajor: 12 },
} as const satisfies Readonly<Record<string, SupportedVersions>>;

/** Judges the versions of Node.js and of the packages that castoff works with. */
export function checkPackages({
  nodeVersion,
  packages,
}: Pick<DoctorFacts, 'nodeVersion' | 'packages'>): readonly DoctorCheck[] {
  return [
    checkVersion({ name: 'node', version: nodeVersion }, supportedVersions.node),
    ...packages.map((found) =>
      found.name === 'castoff' ? checkOwnVersion(found) : checkVersion(found, supportedFor(found.name)),
    ),
  ];
}

function supportedFor(name: string): SupportedVersions | undefined {
  return Object.entries(supportedVersions).find(([known]) => known === name)?.[1];
}

function checkVersion(
  { name, version }: FoundPackage,
  supported: SupportedVersions | undefined,
): DoctorCheck {
  if (version === undefined) return { name, ...ok('not installed in this folder') };
  if (supported === undefined) return { name, ...ok(version) };
  const { oldest, newestMajor } = supported;
  const range = `${oldest.join('.')} to ${newestMajor}`;
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))
    return { name, ...failure(`${version} is older than castoff supports`, `use ${range}`) };
  if (major > newestMajor)
    return {
      name,
      ...warning(`${version} is newer than castoff was tested with`, `${range} is tested; report what fails`),
    };
  return { name, ...ok(version) };
}

function checkOwnVersion({ name, version }: FoundPackage): DoctorCheck {
  if (version === undefined || version === packageVersion) return { name, ...ok(packageVersion) };
  return {
    name,
    ...warning(
      `this command is ${packageVersion}, and the package in this folder is ${version}`,
      'run the command of the package: npx castoff',
    ),
  };
}
