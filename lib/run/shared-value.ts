import { CastoffError } from '../core/errors';

/** Enough for addresses and credentials, which is all that workers need to share. */
const maxJsonBytes = 1_024 * 1_024;

/**
 * Returns the JSON of `value`, from which every worker gets an equal value.
 *
 * @param what - The owner of the value, for errors: `shared postgres`.
 * @throws CastoffError `CONFIG_INVALID` for a value that JSON would lose or change (`undefined`, functions,
 * `NaN`, dates, maps, instances of classes, cycles), with the path to it; and for more than 1 MiB.
 */
export function requireJson(what: string, value: unknown): string {
  checkJson(what, 'value', value, []);
  const json = JSON.stringify(value);
  checkJsonLength(what, json);
  return json;
}

/** Checks the length of a shared value. @throws CastoffError `CONFIG_INVALID` for more than 1 MiB. */
export function checkJsonLength(what: string, json: string): void {
  const bytes = Buffer.byteLength(json);
  if (bytes <= maxJsonBytes) return;
  throw new CastoffError(
    'CONFIG_INVALID',
    `${what}: its value has ${bytes} bytes as JSON, the limit is ${maxJsonBytes}; share a path or an address instead`,
  );
}

function checkJson(what: string, path: string, value: unknown, above: readonly object[]): void {
  const refuse = (got: string): CastoffError =>
    new CastoffError(
      'CONFIG_INVALID',
      `${what}: ${path}: got ${got}; return a JSON value: strings, finite numbers, booleans, null, arrays and plain objects`,
    );
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return;
    throw refuse(String(value));
  }
  if (typeof value === 'undefined') throw refuse('undefined');
  if (typeof value !== 'object') throw refuse(`a ${typeof value}`);
  if (above.includes(value)) throw refuse('a cycle');
  const [symbol] = Object.getOwnPropertySymbols(value);
  if (symbol !== undefined) throw refuse(`a property under ${String(symbol)}`);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1)
      checkJson(what, `${path}[${index}]`, value[index], [...above, value]);
    return;
  }
  if (!isPlain(value)) throw refuse(`an instance of ${nameOfClass(value)}`);
  for (const [key, inner] of Object.entries(value))
    checkJson(what, `${path}${step(key)}`, inner, [...above, value]);
}

/** Also recognises plain objects of another realm: a sandbox has its own `Object`. */
function isPlain(value: object): boolean {
  const parent: unknown = Object.getPrototypeOf(value);
  return parent === null || Object.getPrototypeOf(parent) === null;
}

function nameOfClass(value: object): string {
  const maker: unknown = Reflect.get(value, 'constructor');
  return typeof maker === 'function' && maker.name !== '' ? maker.name : 'a class';
}

function step(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
