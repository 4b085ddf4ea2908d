// Three CommonJS builds: the library, because Jest's sandbox can only `require`; the CLI; and the reaper's program, one file that
// runs wherever there is a Node. What is inlined has its licences beside it.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

const { peerDependencies, engines } = JSON.parse(readFileSync('package.json', 'utf8'));
const outside = new Set(Object.keys(peerDependencies).flatMap((name) => [name, `${name}/package.json`]));

// What dockerode loads for BuildKit's sessions and for folders to build from, and docker-modem for an ssh of its own: 90 ms and
// 13 MB. castoff builds from streams without a session, and reaches an engine over ssh through the system's `ssh`.
const buildsOnly = ['@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs', '@balena/dockerignore', 'tar-fs'];
const leftOut = new Set([...buildsOnly, 'ssh2']);

// Parts of what is not loaded in every mode cost all of them memory, as text: these, nobody calls.
const leftOutOf = {
  'prom-client': ['./lib/cluster', './lib/defaultMetrics', './lib/pushgateway', './lib/summary'],
  pino: ['./lib/multistream', './lib/redaction', './lib/transport', './multistream', './transport'],
};

// The reaper mostly waits. Optimizing compilers and a roomy young generation cost it 5 MB of its own and 12 MB resident after
// its first work.
const smallHeap = `for (const flag of ['--no-opt', '--no-maglev', '--optimize-for-size', '--max-semi-space-size=1', '--bytecode-old-age=1'])
  require('node:v8').setFlagsFromString(flag);`;

// Jest leaves frames of `jest/build/` out of the stacks that it prints: a failing test prints the frames that it prints without castoff.
const chunkFolder = 'jest/build';

// What tests replace of Node and of the global object, castoff has as it was before: `lib/core/pristine.ts`.
const pristineFile = join(import.meta.dirname, 'lib/core/pristine.ts');
const pristineFacade = `${chunkFolder}/core-copies.js`;
const pristineModules = new Set(
  'child_process crypto dns fs fs/promises http https net os timers timers/promises tls'.split(' '),
);
const pristineGlobals = Object.fromEntries(
  Object.entries({
    setTimeout: 'setTimeout',
    clearTimeout: 'clearTimeout',
    setInterval: 'setInterval',
    clearInterval: 'clearInterval',
    setImmediate: 'setImmediate',
    clearImmediate: 'clearImmediate',
    queueMicrotask: 'queueMicrotask',
    performance: 'performance',
    Date: 'Date',
    'Date.now': 'dateNow',
    JSON: 'JSON',
    // Vitest's environments for windows replace it, and signals of both kinds cannot be combined.
    AbortController: 'AbortController',
    'AbortSignal.any': 'anySignal',
    'process.emitWarning': 'emitWarning',
    'process.nextTick': 'nextTick',
    'process.cwd': 'cwd',
    'process.kill': 'kill',
  }).map(([name, exported]) => [name, [pristineFile, exported]]),
);

const lateCrypto = 'node:crypto';

const oldestNode = engines.node.replace('>=', '');

// Before anything else of an entry, in syntax that every Node reads: what is missing in an older one would be named instead.
const checkNode = `(() => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [wantedMajor, wantedMinor] = [${oldestNode.split('.').join(', ')}];
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  throw new Error('castoff needs Node.js ${oldestNode} or later; this is ' + process.versions.node);
})();`;

// A file costs 0.2 ms to find and read, as much as 8 kB of code to compile. Modules that are mostly loaded together are in one file each,
// although other entries need some of them alone.
const loadedTogether = {
  base: inLib(
    'capture/(may-use-socket|user-line|watch-function)',
    'commands/(intercept-spawns|launch|shell-command)',
    'diagnosis/(release-objects|running-watches)',
    'durations/duration-history',
    'engine/agent-mark',
    'processes/(owner|owner-linux|owner-machine|probe-pid|proc-stat|system-file)',
    'registry/(claims|entry|journal|own-folder|parse-entry|parse-fields|process-record|registry|scope-names|session-identity)',
    'scope/(activities|start-context|starts-under-way|task-resource)',
    'session/(current-run|process-snapshot)',
    'wire/serialize-error',
  ),
  'engine-work': inLib('engine/(?!agent-mark).*', 'resources/.*'),
  'session-base': inLib(
    'lease/(host-socket|reaper-address|reaper-choice)',
    'session/(end-patience|list-open-names)',
    'verdict/describe-record',
    'wire/local-socket',
  ),
  'runner-base': inLib(
    'run/call-run',
    'runner/(attached-run|connections|current-context|handles|load-late|open-sockets|run-variables|test-context)',
  ),
};

// The command of `castoff run` waits for these files, which each have one module and all that it imports. The library's files have more,
// and are made for a process in which tests replace functions.
const loadedBeforeCommand = [
  { name: 'command-line', test: inLib('cli/command-line'), priority: 1 },
  { name: 'run-command', test: inLib('command-run/run-command') },
];

function inLib(...paths) {
  return new RegExp(`[\\\\/]lib[\\\\/](?:${paths.join('|').replaceAll('/', '[\\\\/]')})\\.ts$`);
}

const shared = {
  platform: 'node',
  // It has no `using`.
  transform: { target: `node${oldestNode}` },
  output: { dir: 'dist', format: 'cjs', exports: 'named', entryFileNames: '[name].js' },
};

export default [
  {
    ...shared,
    input: {
      index: 'lib/index.ts',
      reaper: 'lib/reaper.ts',
      jest: 'lib/jest.ts',
      'jest-preset': 'lib/jest-preset.ts',
      'jest/environment': 'lib/jest/environment.ts',
      [`${chunkFolder}/runner`]: 'lib/jest/runner.ts',
      'jest/setup': 'lib/jest/setup.ts',
      'jest/teardown': 'lib/jest/teardown.ts',
      'jest/watched': 'lib/jest/watched.ts',
      vitest: 'lib/vitest.ts',
      'vitest/plugin': 'lib/vitest/plugin.ts',
      'vitest/worker': 'lib/vitest/worker.ts',
    },
    // dockerode is inlined without what is left out, the ESM-only packages (p-retry, p-limit) because Jest's sandbox cannot load
    // them.
    external: (id) => id.startsWith('node:') || outside.has(id),
    plugins: [
      leaveOut(),
      loadHttpsLate(),
      loadIndexLate(),
      requireLate(chunkFolder),
      hookFiles(),
      pristine(),
      shortenExports(),
      licences('THIRD-PARTY-LICENSES.txt'),
    ],
    transform: { ...shared.transform, inject: pristineGlobals },
    experimental: { attachDebugInfo: 'none' },
    output: {
      ...shared.output,
      cleanDir: true,
      // Node compiles what it has to read, and a test file that starts nothing loads a good part of this.
      comments: false,
      banner: ({ isEntry }) => (isEntry ? checkNode : ''),
      chunkFileNames: ({ name, facadeModuleId }) =>
        `${chunkFolder}/${basename(packageFolder(facadeModuleId ?? '') ?? name)}.js`,
      // `import('dockerode')` becomes a `require` that runs when it is reached.
      dynamicImportInCjs: false,
      // What nearly all of it needs, in few files. Errors apart: they are all that `castoff/jest` needs. Not the
      // parsers of a reaper's settings, and p-retry.
      codeSplitting: {
        groups: [
          { name: 'errors', test: /[\\/]lib[\\/]core[\\/]errors/, priority: 1 },
          { name: 'pristine', test: /[\\/]lib[\\/]core[\\/]pristine/, priority: 2 },
          {
            name: 'core',
            test: /[\\/]lib[\\/]core[\\/](?!go-duration|retry|source-maps|variable)/,
            priority: 1,
          },
          ...Object.entries(loadedTogether).map(([name, test]) => ({ name, test })),
        ],
      },
    },
  },
  {
    ...shared,
    input: { cli: 'lib/cli/castoff.ts' },
    external: (id) => outside.has(id) || (id.startsWith('node:') && id !== lateCrypto),
    plugins: [
      leaveOut(),
      loadHttpsLate(),
      loadCryptoLate(),
      requireLate('cli'),
      licences('THIRD-PARTY-LICENSES-cli.txt'),
    ],
    output: {
      ...shared.output,
      comments: false,
      banner: ({ isEntry }) => (isEntry ? checkNode : ''),
      chunkFileNames: 'cli/[name].js',
      dynamicImportInCjs: false,
      codeSplitting: { groups: loadedBeforeCommand },
    },
  },
  {
    ...shared,
    input: { 'reaper-server': 'lib/reaper/daemon/entry.ts' },
    plugins: [leaveOut(), loadHttpsLate(), licences('THIRD-PARTY-LICENSES-reaper.txt')],
    // Modules that are never reached are not to be compiled at the start.
    optimization: { pifeForModuleWrappers: false },
    output: {
      ...shared.output,
      // One file; what is imported dynamically runs when it is reached all the same.
      codeSplitting: false,
      // V8 keeps the text: two bytes a character as soon as one is beyond Latin-1.
      charset: 'ascii',
      comments: false,
      banner: smallHeap,
    },
  },
];

function leaveOut() {
  return {
    name: 'leave-out',
    resolveId(id, importer = '') {
      const parts = leftOutOf[/[\\/]node_modules[\\/](prom-client|pino)[\\/]/.exec(importer)?.[1]] ?? [];
      return leftOut.has(id) || parts.includes(id) ? `\0left-out:${id}` : null;
    },
    load(id) {
      if (!id.startsWith('\0left-out:')) return null;
      const words = `${id.slice('\0left-out:'.length)} is not part of castoff`;
      // Loaded, and asked for what it has, it is harmless; called, it says no.
      return `function refuse() { throw new Error(${JSON.stringify(words)}); }
        module.exports = new Proxy(refuse, { get: () => refuse });`;
    },
  };
}

// docker-modem loads `https` at once, for 2 MB that a local socket has no use for. What makes a request go by TLS is its agent.
function loadHttpsLate() {
  return {
    name: 'load-https-late',
    resolveId: (id) => (id === 'https' ? '\0https-late' : null),
    load: (id) =>
      id === '\0https-late'
        ? `exports.request = (options, onResponse) =>
             require('http').request({ ...options, protocol: 'https:' }, onResponse);`
        : null,
  };
}

// `crypto` takes 4 ms to load, and a command of `castoff run` starts without it.
function loadCryptoLate() {
  const functions = ['createHash', 'hash', 'randomBytes', 'randomUUID', 'timingSafeEqual'].map(
    (name) => `export const ${name} = (...args) => require('crypto').${name}(...args);`,
  );
  return {
    name: 'load-crypto-late',
    resolveId: (id) => (id === lateCrypto ? '\0crypto-late' : null),
    load: (id) => (id === '\0crypto-late' ? functions.join('\n') : null),
  };
}

// Core modules that tests replace functions of become copies of what they were. What is required later than at the start of a file is
// read from disk then, by functions that tests replace, too.
function pristine() {
  const late = /(?<!^(?:const|let|var) [\w$]+ = )(?<!^)require\("(\.\.?\/[^"]+)"\)/gm;
  return {
    name: 'pristine',
    buildStart() {
      const fileName = pristineFacade;
      this.emitFile({ type: 'chunk', id: pristineFile, fileName, preserveSignature: 'strict' });
    },
    renderChunk(code, { fileName }) {
      if (fileName === pristineFacade || fileName === `${chunkFolder}/pristine.js`) return null;
      const changed = code
        .replaceAll(late, (found) => `castoffPristine.loadUntouched(() => ${found})`)
        .replaceAll(/\brequire\("(?:node:)?([^"]+)"\)/g, (found, name) =>
          pristineModules.has(name) ? `castoffPristine.coreCopy("${name}")` : found,
        );
      if (changed === code) return null;
      const path = relative(dirname(fileName), pristineFacade);
      const [hashbang = ''] = /^#!.*\n/.exec(changed) ?? [];
      const head = `const castoffPristine = require("${path.startsWith('.') ? path : `./${path}`}");`;
      return { code: `${hashbang}${head}\n${changed.slice(hashbang.length)}` };
    },
  };
}

// What a program imports of `castoff` is loaded when it is first called: it pays for what it uses. Functions and no getters, because
// tests mock and spy on them. In Jest it is loaded at once: Jest reads files by functions of Node that tests replace.
function loadIndexLate() {
  const index = join(import.meta.dirname, 'lib/index.ts');
  return {
    name: 'load-index-late',
    transform(code, id) {
      if (id !== index) return null;
      const loads = [];
      const changed = code.replaceAll(/^export \{([^}]+)\} from '([^']+)';$/gm, (line, names, from) => {
        // What is in `core` is loaded by everything else.
        if (from.startsWith('./core/')) return line;
        const load = `load${loads.length}`;
        loads.push(load);
        const functions = [...names.matchAll(/\w+/g)].map(
          ([name]) => `export function ${name}(...args) { return ${load}().${name}(...args); }`,
        );
        return [
          `let ${load}ed;`,
          `const ${load} = () => (${load}ed ??= require('${from}'));`,
          ...functions,
        ].join('\n');
      });
      const isInJest = "process.env['JEST_WORKER_ID'] !== undefined";
      return `${changed}\nif (${isInJest}) for (const load of [${loads.join(', ')}]) load();\n`;
    },
  };
}

// A `require` of a source file of ours is to run when it is reached. Rolldown would put what it names into the same file, and load
// at once what that needs in turn: here it becomes a file of its own.
function requireLate(folder) {
  const lib = join(import.meta.dirname, 'lib');
  const emitted = new Set();
  return {
    name: 'require-late',
    async transform(code, importer) {
      if (!importer.startsWith(lib)) return null;
      let changed = code;
      for (const [text, request] of code.matchAll(/\brequire\('(\.[^']+)'\)/g)) {
        const { id } = await this.resolve(request, importer);
        const fileName = `${folder}/late/${relative(lib, id).replace(/\.ts$/, '.js')}`;
        if (!emitted.has(id)) this.emitFile({ type: 'chunk', id, fileName, preserveSignature: 'strict' });
        emitted.add(id);
        changed = changed.replace(text, `requireLate(${JSON.stringify(fileName)})`);
      }
      return changed === code ? null : { code: changed };
    },
    renderChunk(code, { fileName }) {
      const changed = code.replaceAll(/\brequireLate\("([^"]+)"\)/g, (_, file) => {
        const path = relative(dirname(fileName), file);
        return `require(${JSON.stringify(path.startsWith('.') ? path : `./${path}`)})`;
      });
      return changed === code ? null : { code: changed };
    },
  };
}

// Each export of a chunk takes six lines, which are a tenth of the code that a test file loads. Entries keep theirs: Node reads names
// from that form for `import`.
function shortenExports() {
  const long =
    /^Object\.defineProperty\(exports, "(\w+)", \{\s*enumerable: true,\s*get: function ?\(\) \{\s*return (\w+);\s*\}\s*\}\);$/gm;
  return {
    name: 'shorten-exports',
    renderChunk(code, { isEntry }) {
      if (isEntry) return null;
      const changed = code.replaceAll(long, 'castoffExport("$1", () => $2);');
      if (changed === code) return null;
      const define =
        'const castoffExport = (name, get) => Object.defineProperty(exports, name, { enumerable: true, get });';
      return { code: `${define}\n${changed}` };
    },
  };
}

// Jest runs hooks of equal paths once: `lib/jest/hook-files.ts` gives each project's own hooks a pair of these.
function hookFiles() {
  return {
    name: 'hook-files',
    generateBundle() {
      const count = Number(/hookFileCount = (\d+)/.exec(readFileSync('lib/jest/own-modules.ts', 'utf8'))[1]);
      for (const name of ['setup', 'teardown']) {
        const source = `const { default: hook } = require('../${name}.js');
module.exports = (globalConfig, projectConfig) => hook(globalConfig, projectConfig, __filename);\n`;
        for (let number = 0; number < count; number += 1)
          this.emitFile({ type: 'asset', fileName: `jest/hooks/${name}-${number}.js`, source });
      }
    },
  };
}

// MIT and its like ask that their text goes where the code goes.
function licences(fileName) {
  return {
    name: 'licences-of-inlined-packages',
    generateBundle(_, bundle) {
      const modules = Object.values(bundle).flatMap(({ moduleIds }) => moduleIds ?? []);
      const folders = new Set(modules.map(packageFolder).filter((folder) => folder !== undefined));
      const texts = [...folders].toSorted().map(licenceOf);
      const source = texts.join(`\n${'-'.repeat(80)}\n\n`);
      this.emitFile({ type: 'asset', fileName, source });
    },
  };
}

function licenceOf(folder) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  if (file !== undefined) return `${name} ${version}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  // split-ca comes without a text.
  if (license === undefined || author === undefined)
    throw new Error(`inline ${name} ${version}: it has no licence`);
  return `${name} ${version}\n\n${license}, by ${author.name ?? author}, as its package.json says\n`;
}

function packageFolder(moduleId) {
  return /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(moduleId)?.[0];
}
