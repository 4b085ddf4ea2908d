const leftOut = require('./spec/support/left-out.cjs');

// Durations of earlier runs would change the messages that specs expect.
process.env.CASTOFF_HISTORY ??= 'off';
// Specs start a thousand processes of Node.js, which compile the same files.
process.env.NODE_COMPILE_CACHE ??= `${__dirname}/node_modules/.cache/castoff-spec-compiled`;

const shared = {
  transform: {
    '\\.[cm]?[jt]s$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
    ],
  },
  // ESM-only packages: Jest's sandbox can only require what has been turned into CommonJS.
  transformIgnorePatterns: [
    '/node_modules/(?!(p-retry|p-limit|modern-tar|yocto-queue|is-network-error)/)',
    '<rootDir>/dist/',
  ],
  testEnvironment: 'node',
};

/** A project of specs: `engine` ones need a real engine and say which one they got. */
const project = (name, extra = {}) => ({
  ...shared,
  displayName: name,
  testMatch: [`<rootDir>/spec/${name}/**/*.spec.ts`],
  ...extra,
});

const onEngine = {
  moduleNameMapper: { [leftOut.pattern]: '<rootDir>/spec/support/left-out.cjs' },
  globalSetup: '<rootDir>/spec/support/engine-setup.ts',
  setupFiles: ['<rootDir>/spec/support/testcontainers-env.ts'],
};

module.exports = {
  projects: [
    project('unit'),
    project('engine', onEngine),
    project('reaper', onEngine),
    project('package', onEngine),
    project('jest', { ...onEngine, testMatch: ['<rootDir>/spec/{jest,vitest}/**/*.spec.ts'] }),
  ],
  testTimeout: 60_000,
  testSequencer: '<rootDir>/spec/support/longest-first.cjs',
  // Specs wait for the engine more than they compute; Jest's own default on two cores is one worker.
  maxWorkers: 5,
};
