import { CastoffError } from '../core/errors';

/** A shared value is an address and its like; more is better kept where it is shared from. */
const maxJsonBytes = 1_024 * 1_024;

/**
 * The JSON of `value`, from which every worker gets the same value back.
 *
 * @param what - Whose value it is, for the error: `shared postgres`.
 * @throws CastoffError `CONFIG_INVALID` for what JSON would lose or change (`undefined`, functions, `NaN`, dates, maps, instances of
 * classes, cycles), naming the path to it; and for more than 1 MiB.
 */
export function requireJson(what: string, value: unknown): string {
  checkJson(what, 'value', value, []);
  const json = JSON.stringify(value);
  checkJsonLength(what, json);
  return json;
}

/** @throws CastoffError `CONFIG_INVALID` for more than 1 MiB. */
export function checkJsonLength(what: string, json: string): void {
  const bytes = Buffer.byteLength(json);
  if (bytes <= maxJsonBytes) return;
  throw new CastoffError(
    'CONFIG_INVALID',
    `${what}: its value has ${bytes} bytes as JSON, and at most ${maxJsonBytes} go to other workers; return where it can be had`,
  );
}

function checkJson(what: string, path: string, value: unknown, above: readonly object[]): void {
  const refuse = (got: string): CastoffError =>
    new CastoffError(
      'CONFIG_INVALID',
      `${what}: ${path}: got ${got}; return what JSON can hold: texts, finite numbers, booleans, null, arrays and plain objects`,
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

/** Also of another realm: a sandbox has an `Object` of its own. */
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
