import { STATUS_CODES } from 'node:http';
import type { Body, Head } from './fault-proxy-reader';
import type { Fault } from './fault-rules';

/** Returns the framing of a request's body. @see RFC 9112, 6.3 */
export function bodyOfRequest(head: Head): Body {
  return framedBody(head) ?? 0;
}

/**
 * Returns the framing of a response's body: raw bytes after a 101 or a hijack by the engine.
 *
 * @see RFC 9112, 6.3
 */
export function bodyOfAnswer(head: Head, method: string | undefined): Body {
  const status = statusOf(head);
  if (status === 101) return 'everything';
  if (status < 200 || hasNoBody(method, status)) return 0;
  return framedBody(head) ?? 'everything';
}

export function statusOf(head: Head): number {
  return Number(head.line.split(' ')[1]);
}

/** Returns whether the head is an interim response: `100 Continue`. */
export function isInterim(head: Head): boolean {
  const status = statusOf(head);
  return status >= 100 && status < 200 && status !== 101;
}

/** Formats a response like the engine's: `{"message": …}`, or the given body. */
export function writeAnswer(
  { status, message = '', body = { message } }: Fault & { type: 'answer' },
  method: string,
): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`, `Date: ${new Date().toUTCString()}`];
  if (hasNoBody(method, status)) return `${lines.join('\r\n')}\r\n\r\n`;
  const text = `${JSON.stringify(body)}\n`;
  lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(text)}`);
  return `${lines.join('\r\n')}\r\n\r\n${text}`;
}

function framedBody({ headers }: Head): Body | undefined {
  if (/\bchunked\b/i.test(headers.get('transfer-encoding') ?? '')) return 'chunks';
  const length = headers.get('content-length');
  return length === undefined ? undefined : Number(length);
}

function hasNoBody(method: string | undefined, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}
