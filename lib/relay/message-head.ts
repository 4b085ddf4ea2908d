/** The start of an HTTP/1 message: its first line, and its header fields by name in lower case, in order. */
export interface Head {
  readonly line: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
}

/** Where the body of a message ends: after a number of bytes, with the last chunk, or with the connection. */
export type Framing = number | 'chunked' | 'until-close';

const fieldName = /^[\w!#$%&'*+.^`|~-]+$/;

/**
 * Parses the bytes of a head, including its empty last line. Returns `undefined` when it is malformed; obsolete
 * line folding counts as malformed.
 *
 * @see RFC 9112, 2.2 (empty lines before a request, a bare `\n` as line end) and 5
 */
export function parseHead(bytes: Buffer): Head | undefined {
  const [line = '', ...rest] = bytes.toString('latin1').trim().split(/\r?\n/);
  const fields: [string, string][] = [];
  for (const text of rest) {
    const colon = text.indexOf(':');
    const name = text.slice(0, Math.max(colon, 0));
    if (!fieldName.test(name)) return undefined;
    fields.push([name.toLowerCase(), text.slice(colon + 1).trim()]);
  }
  return { line, fields };
}

/** Returns the values of a field, in order; `name` in lower case. */
export function valuesOf({ fields }: Head, name: string): readonly string[] {
  return fields.flatMap(([one, value]) => (one === name ? [value] : []));
}

/**
 * Returns the framing that a head declares: `undefined` when it declares none, and `'invalid'` when its fields
 * contradict each other or are unknown.
 *
 * @see RFC 9112, 6.3
 */
export function declaredFraming(head: Head): Framing | undefined | 'invalid' {
  const codings = valuesOf(head, 'transfer-encoding');
  const lengths = valuesOf(head, 'content-length').flatMap((value) =>
    value.split(',').map((one) => one.trim()),
  );
  if (codings.length > 0)
    return lengths.length === 0 && codings.join(',').toLowerCase() === 'chunked' ? 'chunked' : 'invalid';
  const [length] = lengths;
  if (length === undefined) return undefined;
  return /^\d{1,15}$/.test(length) && lengths.every((one) => one === length) ? Number(length) : 'invalid';
}
