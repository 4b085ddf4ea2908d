/**
 * Whether a line is part of an HTTP request. Browsers let any page send one to a loopback port, with a body
 * of the page's choice. The request line and the `Host` header come first, and no line of the reaper's
 * protocols matches either.
 *
 * @see redis, securityWarningCommand: `POST` and `Host:` end the connection
 * @see RFC 9113, section 3.4: `PRI * HTTP/2.0`
 */
export function isHttpLine(line: string): boolean {
  return requestLine.test(line) || headerField.test(line);
}

const requestLine = /^[!#$%&'*+.^_`|~\w-]+ .*\bHTTP\/\d/i;
const headerField = /^[!#$%&'*+.^_`|~\w-]+:/;

/**
 * Whether a connection starts with a TLS handshake. The ticket of a resumed session is chosen by the server
 * that issued it, and may contain lines.
 *
 * @see RFC 8446, section 5.1: a record of type handshake starts with 22
 */
export function isTlsHandshake(firstByte: number | undefined): boolean {
  return firstByte === 0x16;
}
