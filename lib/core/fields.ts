/** The fields of a JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** Returns whether `value` is a JSON object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses a line as a JSON object. Returns `undefined` when it is something else. */
export function parseFields(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isFields(value) ? value : undefined;
  } catch {
    // SyntaxError: not JSON.
    return undefined;
  }
}
