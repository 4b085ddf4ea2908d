// For specs that need a process of their own around a file of lib: `node --require` this, and `require` the file.
const { existsSync } = require('node:fs');
const { registerHooks } = require('node:module');
const { fileURLToPath } = require('node:url');
const { transformFileSync } = require('@swc/core');

const options = { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } };

registerHooks({
  resolve(specifier, context, next) {
    const url = specifier.startsWith('.') ? new URL(`${specifier}.ts`, context.parentURL) : undefined;
    return url !== undefined && existsSync(url)
      ? { url: url.href, shortCircuit: true }
      : next(specifier, context);
  },
  load(url, context, next) {
    if (!url.endsWith('.ts')) return next(url, context);
    const { code } = transformFileSync(fileURLToPath(url), options);
    return { format: 'commonjs', source: code, shortCircuit: true };
  },
});
