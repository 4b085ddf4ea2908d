import { isFields, type Fields } from '../core/fields';

/** Numbers that JavaScript would write differently are kept as written. @see TC39, "JSON.parse source text access" */
type ExactReviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;
interface ExactJson {
  parse(text: string, reviver: ExactReviver): unknown;
  rawJSON(text: string): unknown;
}
const json = globalThis.JSON as unknown as ExactJson;

/**
 * Parses a JSON object so that `JSON.stringify` writes each number as `text` has it: a client in Go sends 64-bit
 * integers, such as the limit 9223372036854775807, which an engine does not accept rounded. Returns `undefined`
 * when it is no object.
 */
export function parseExactly(text: string): Fields | undefined {
  try {
    const value = json.parse(text, (_key, one, { source }) =>
      typeof one === 'number' && source !== undefined && String(one) !== source ? json.rawJSON(source) : one,
    );
    return isFields(value) ? value : undefined;
  } catch {
    // SyntaxError: not JSON.
    return undefined;
  }
}
