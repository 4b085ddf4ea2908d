const { default: Sequencer } = require('@jest/test-sequencer');

/**
 * The spec files of more than 8 s, longest first. In a new clone, Jest knows no durations, and sorts by size: a long one would
 * start last, and run alone.
 */
const longest = [
  'engine/sweep',
  'reaper/testcontainers-clients',
  'reaper/zoo',
  'reaper/lease-podman',
  'reaper/run-keep',
  'reaper/lease-ssh',
  'engine/events',
  'engine/scope-rollback',
  'package/package',
  'reaper/lease',
  'package/readme',
  'reaper/host-lost',
  'reaper/launch',
  'jest/commands',
  'reaper/run-ends',
  'reaper/host-mode',
  'jest/replaced',
  'reaper/attached-mode',
  'reaper/crash',
  'engine/removal-faults',
  'reaper/compose-crash',
  'engine/cleanup-compose-project',
  'engine/scope-start',
  'reaper/kill',
  'reaper/conformance',
  'jest/monorepo',
  'jest/background',
  'reaper/server',
  'reaper/standing',
  'jest/keep',
  'jest/ended',
  'jest/docs',
  'reaper/protocol',
  'engine/capture-commands',
  'engine/endpoint',
  'engine/cleanup-container',
  'reaper/reap-faults',
  'reaper/lease-tls',
  'engine/compose-existing',
  'engine/bystanders',
  'reaper/crash-ends',
  'engine/private-engine',
  'reaper/two-sessions',
  'reaper/swarm',
  'jest/floating',
  'reaper/reaper-lost',
  'engine/scope-cancel',
  'reaper/compose-command-crash',
  'engine/podman',
];

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    return super.sort(tests).toSorted((one, other) => rankOf(one) - rankOf(other));
  }
};

function rankOf({ path }) {
  const rank = longest.findIndex((name) => path.endsWith(`/spec/${name}.spec.ts`));
  return rank === -1 ? longest.length : rank;
}
