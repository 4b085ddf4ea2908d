import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { peerDependencies, engines } from '../../package.json';
import { formatChecks } from '../../lib/cli/doctor';
import type { DoctorCheck } from '../../lib/doctor/doctor-check';
import { checkEngine } from '../../lib/doctor/check-engine';
import { checkMachine } from '../../lib/doctor/check-machine';
import { checkPackages, supportedVersions } from '../../lib/doctor/check-packages';
import { checkReaper } from '../../lib/doctor/check-reaper';
import type { DoctorFacts, EngineReadings } from '../../lib/doctor/doctor-facts';
import { findPackage } from '../../lib/doctor/read-packages';
import { listSetVariables } from '../../lib/doctor/read-variables';

const engine: EngineReadings = {
  address: 'unix:///var/run/docker.sock',
  from: 'default socket',
  transport: { type: 'socket', path: '/var/run/docker.sock' },
  version: { value: { product: 'Docker', version: '28.5.1', apiVersion: '1.51', store: 'overlay2' } },
  clock: { value: { aheadMs: 12, toleranceMs: 5 } },
  socket: { value: { path: '/var/run/docker.sock', mode: 0o660, uid: 0, gid: 999 } },
  hasReaperImage: { value: true },
  socketPaths: { value: ['/var/run/docker.sock'] },
  hostReaper: { value: 'absent' },
  sessions: { value: [] },
};
const well: DoctorFacts = {
  nodeVersion: '24.21.0',
  packages: [
    { name: 'castoff', version: '0.1.0' },
    { name: 'jest', version: '30.5.2' },
    { name: 'testcontainers', version: '12.2.0' },
  ],
  variables: [],
  folder: { value: '/run/user/7/castoff' },
  reaper: { value: 'auto' },
  ownContainer: undefined,
  engine: { value: engine },
};

type Change = Partial<DoctorFacts> & { readonly on?: Partial<EngineReadings> };

function examine({ on = {}, ...facts }: Change = {}): readonly DoctorCheck[] {
  const all: DoctorFacts = { ...well, engine: { value: { ...engine, ...on } }, ...facts };
  return [...checkEngine(all), ...checkReaper(all), ...checkPackages(all), ...checkMachine(all)];
}

const session = (state: 'alive' | 'dead' | 'unknown', resources: number) => ({
  session: `${state}${resources}`,
  state,
  resources,
});

describe('castoff doctor', () => {
  it('finds no problem where there is none', () => {
    const checks = examine();
    expect(checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual(
      'engine version socket clock leftovers reaper image process node castoff jest testcontainers folder variables'.split(
        ' ',
      ),
    );
  });

  it.each<[string, Change, string, 'ok' | 'warn' | 'fail', RegExp, RegExp?]>([
    [
      'no engine',
      { engine: { error: 'find a Docker engine: none answered\n  unix:///a: no such socket\nstart Docker' } },
      'engine',
      'fail',
      /^find a Docker engine/,
      /no such socket; start Docker/,
    ],
    [
      'an error of a reading',
      { on: { version: { error: 'version: 500' } } },
      'version',
      'fail',
      /500/,
      /repeat/,
    ],
    [
      'a socket for everybody',
      { on: { socket: { value: { path: '/s', mode: 0o666, uid: 0, gid: 0 } } } },
      'socket',
      'warn',
      /mode 666.*every user/,
      /chmod o-rw \/s/,
    ],
    [
      'an open port',
      { on: { transport: { type: 'tcp', host: '10.0.0.1', port: 2375 }, socket: undefined } },
      'encryption',
      'warn',
      /not encrypted/,
      /TLS/,
    ],
    [
      'a clock that is ahead',
      { on: { clock: { value: { aheadMs: 90_000, toleranceMs: 1 } } } },
      'clock',
      'warn',
      /1 min 30 s ahead of/,
      /synchronize/,
    ],
    [
      'a clock that is behind',
      { on: { clock: { value: { aheadMs: -9_000, toleranceMs: 1 } } } },
      'clock',
      'warn',
      /9\.0 s behind/,
    ],
    [
      'a slow answer about the time',
      { on: { clock: { value: { aheadMs: 9_000, toleranceMs: 5_000 } } } },
      'clock',
      'ok',
      /time of this machine/,
    ],
    [
      'leftovers of the dead',
      { on: { sessions: { value: [session('dead', 3), session('dead', 1), session('alive', 9)] } } },
      'leftovers',
      'warn',
      /^4 resources of 2 sessions whose owners are dead$/,
      /castoff sweep/,
    ],
    [
      'sessions of the living',
      { on: { sessions: { value: [session('alive', 9)] } } },
      'leftovers',
      'ok',
      /^none; 1 session with live owners$/,
    ],
    [
      'sessions of others',
      { on: { sessions: { value: [session('unknown', 1)] } } },
      'leftovers',
      'ok',
      /^1 resource of 1 session .* cannot be checked/,
    ],
    [
      'auto with the image',
      {},
      'reaper',
      'ok',
      /^auto takes the container: castoff\/reaper:\S+ is on the engine$/,
    ],
    [
      'auto without it',
      { on: { hasReaperImage: { value: false } } },
      'reaper',
      'ok',
      /^auto takes a process: \S+ is not on the engine$/,
    ],
    [
      'auto with an engine that could not be asked',
      { on: { hasReaperImage: { error: 'no answer' } } },
      'reaper',
      'warn',
      /^auto: the engine could not be asked for its image$/,
      /castoff doctor again/,
    ],
    [
      'a process inside a container',
      { ownContainer: 'f'.repeat(64), on: { hasReaperImage: { value: false } } },
      'reaper',
      'warn',
      /ends with this container/,
      /castoff reaper image/,
    ],
    [
      'a reaper that is off',
      { reaper: { value: 'off' } },
      'reaper',
      'warn',
      /next sweep/,
      /unset CASTOFF_REAPER/,
    ],
    ['an invalid choice', { reaper: { error: 'CASTOFF_REAPER: got "x"' } }, 'reaper', 'fail', /got "x"/],
    [
      'an address where nothing listens',
      {
        reaper: { value: { address: 'ci:8080' } },
        reaperAtAddress: { error: 'connect to the reaper at ci:8080: refused; check that it runs' },
      },
      'reaper',
      'fail',
      /refused$/,
      /check that it runs/,
    ],
    [
      'an address that answers',
      { reaper: { value: { address: 'ci:8080' } }, reaperAtAddress: { value: 'ci:8080' } },
      'reaper',
      'ok',
      /ci:8080, which accepts leases/,
    ],
    [
      'a missing image',
      { on: { hasReaperImage: { value: false } } },
      'image',
      'ok',
      /not on the engine/,
      /castoff reaper image/,
    ],
    [
      'a process that hangs',
      { on: { hostReaper: { value: 'unresponsive' } } },
      'process',
      'warn',
      /does not answer/,
    ],
    ['an old Node.js', { nodeVersion: '22.11.0' }, 'node', 'fail', /22\.11\.0 is older/, /22\.12/],
    [
      'an old package',
      { packages: [{ name: 'testcontainers', version: '8.7.1' }] },
      'testcontainers',
      'fail',
      /older/,
      /8\.8 to 12/,
    ],
    ['a new package', { packages: [{ name: 'jest', version: '31.0.0' }] }, 'jest', 'warn', /newer/],
    [
      'a missing package',
      { packages: [{ name: 'jest', version: undefined }] },
      'jest',
      'ok',
      /not installed/,
    ],
    [
      'two versions of castoff',
      { packages: [{ name: 'castoff', version: '0.0.9' }] },
      'castoff',
      'warn',
      /0\.0\.9/,
      /npx castoff/,
    ],
    ['no folder', { folder: { error: 'create /tmp/castoff: EACCES' } }, 'folder', 'fail', /EACCES/, /TMPDIR/],
  ])('judges %s', (_, change, name, status, text, advice = /(?:)/) => {
    const check = examine(change).find((one) => one.name === name);
    expect(check).toMatchObject({ status, text: expect.stringMatching(text) });
    expect(check?.advice ?? '').toMatch(advice);
    if (status !== 'ok') expect(check?.advice).not.toBe('');
  });

  it('shows variables in effect without tokens, and names those that nothing reads', () => {
    const variables = listSetVariables({
      PATH: '/bin',
      CASTOFF_LEAKS: 'warn',
      CASTOFF_LEEKS: 'off',
      CASTOFF_REAPER_TOKEN: 'secret',
      CASTOFF_RUN: '/tmp/run.sock',
      DOCKER_HOST: '',
      RYUK_PORT: '1',
    });
    const [, check] = checkMachine({ folder: { value: '/tmp' }, variables });
    expect(check?.status).toBe('warn');
    expect(check?.text).toBe(
      'CASTOFF_LEAKS=warn CASTOFF_REAPER_TOKEN=set CASTOFF_RUN=/tmp/run.sock RYUK_PORT=1; castoff has no CASTOFF_LEEKS',
    );
    expect(checkMachine({ folder: { value: '/tmp' }, variables: [] })[1]).toMatchObject({ status: 'ok' });
  });

  it('finds a package in the nearest folder that has it', () => {
    const root = mkdtempSync(join(tmpdir(), 'castoff-doctor-'));
    try {
      const install = (folder: string, version: string): void => {
        mkdirSync(join(root, folder, 'node_modules/jest'), { recursive: true });
        writeFileSync(join(root, folder, 'node_modules/jest/package.json'), JSON.stringify({ version }));
      };
      install('', '29.0.0');
      install('a', '30.0.0');
      expect(findPackage('jest', join(root, 'a/b')).version).toBe('30.0.0');
      expect(findPackage('jest', join(root, 'c')).version).toBe('29.0.0');
      expect(findPackage('castoff-spec-none', join(root, 'c')).version).toBeUndefined();
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  it('supports the versions that package.json names', () => {
    const { node, jest, testcontainers } = supportedVersions;
    expect(engines.node).toBe(`>=${node.oldest.join('.')}`);
    expect(peerDependencies.testcontainers).toBe(`>=${testcontainers.oldest.join('.')}`);
    expect(peerDependencies.jest).toBe(`^${jest.oldest[0]}.0.0 || ^${jest.newestMajor}.0.0`);
  });

  it('prints one aligned line for each check, wraps it on a narrow terminal, and sums up', () => {
    const checks: readonly DoctorCheck[] = [
      { name: 'engine', status: 'ok', text: 'unix:///var/run/docker.sock' },
      { name: 'leftovers', status: 'warn', text: 'four resources of dead owners', advice: 'castoff sweep' },
      { name: 'node', status: 'fail', text: 'too old\u001B[2J', advice: 'use 24' },
    ];
    expect(formatChecks(checks, undefined)).toBe(`ok    engine     unix:///var/run/docker.sock
warn  leftovers  four resources of dead owners
                 → castoff sweep
fail  node       too old?[2J
                 → use 24

1 failure, 1 warning
`);
    const narrow = formatChecks(checks, 24).split('\n');
    expect(narrow.slice(0, 5)).toEqual([
      'ok    engine',
      '    unix:///var/run/docker.sock',
      'warn  leftovers',
      '    four resources of',
      '    dead owners',
    ]);
    expect(formatChecks([checks[0]!], undefined)).toContain('no problems found');
  });
});
