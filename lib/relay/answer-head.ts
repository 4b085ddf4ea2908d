import { STATUS_CODES } from 'node:http';
import { messageOf } from '../core/errors';
import { declaredFraming, type Framing, type Head } from './message-head';
import type { Message } from './message-reader';

/** The head of a response. */
export interface AnswerHead extends Head {
  readonly status: number;
}

/**
 * Reads the head of a response to a request with `method`. Returns `undefined` for other protocols and for
 * ambiguous framing. The framing is `until-close` where raw bytes follow: after 101, and after an engine has
 * hijacked the connection without it.
 *
 * @see RFC 9112, 6.3; Engine API, ContainerAttach
 */
export function readAnswer(head: Head, method: string | undefined): Message<AnswerHead> | undefined {
  const status = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/i.exec(head.line)?.[1]);
  if (Number.isNaN(status)) return undefined;
  const framing = framingOf(head, status, method);
  return framing === 'invalid' ? undefined : { head: { ...head, status }, framing };
}

/** Whether another head follows for the same request, as after `100 Continue`. */
export function isInterim({ status }: AnswerHead): boolean {
  return status >= 100 && status < 200 && status !== 101;
}

function framingOf(head: Head, status: number, method: string | undefined): Framing | 'invalid' {
  if (status === 101) return 'until-close';
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return 0;
  return declaredFraming(head) ?? 'until-close';
}

/** Formats the response to a request whose engine could not be reached. */
export function formatUnreachable(error: unknown): Buffer {
  return formatRefusal(502, `castoff run: connect to the engine: ${messageOf(error)}`);
}

/** Formats a response of the relay itself, in the form of an engine's errors; it ends the connection. */
export function formatRefusal(status: number, message: string): Buffer {
  const body = `${JSON.stringify({ message })}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json',
    'Connection: close',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
