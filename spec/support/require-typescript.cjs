// For specs that need a process of their own around a file of lib: `node --require` this, and `require` the file.
const { createHash } = require('node:crypto');
const { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { registerHooks } = require('node:module');
const path = require('node:path');
const { fileURLToPath, pathToFileURL } = require('node:url');

const leftOut = {
  path: require.resolve('./left-out.cjs'),
  names: new RegExp(require('./left-out.cjs').pattern),
};
const options = { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } };
// Dozens of processes load the same files: swc transforms each version of a file once.
const cache = path.join(__dirname, '../../node_modules/.cache/castoff-spec-typescript');

registerHooks({
  resolve(specifier, context, next) {
    if (leftOut.names.test(specifier))
      return { url: pathToFileURL(leftOut.path).href, format: 'commonjs', shortCircuit: true };
    const url = specifier.startsWith('.') ? new URL(`${specifier}.ts`, context.parentURL) : undefined;
    return url !== undefined && existsSync(url)
      ? { url: url.href, shortCircuit: true }
      : next(specifier, context);
  },
  load(url, context, next) {
    if (!url.endsWith('.ts')) return next(url, context);
    return { format: 'commonjs', source: transformOnce(fileURLToPath(url)), shortCircuit: true };
  },
});

function transformOnce(file) {
  const source = readFileSync(file, 'utf8');
  const key = createHash('sha256')
    .update(`${JSON.stringify(options)} ${file} ${source}`)
    .digest('hex');
  const cached = path.join(cache, key);
  if (existsSync(cached)) return readFileSync(cached, 'utf8');
  const { transformSync } = require('@swc/core');
  const { code } = transformSync(source, { ...options, filename: file });
  mkdirSync(cache, { recursive: true });
  // Another process may write the same file now.
  const own = `${cached}.${process.pid}`;
  writeFileSync(own, code);
  renameSync(own, cached);
  return code;
}
