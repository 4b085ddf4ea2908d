import { declaredFraming, valuesOf, type Head } from './message-head';
import type { Message } from './message-reader';

/** The head of a request. */
export interface RequestHead extends Head {
  readonly method: string;
  /** The path with its query, as sent. */
  readonly path: string;
}

/** Reads the head of an HTTP/1 request. Returns `undefined` for other protocols and for ambiguous framing. */
export function readRequest(head: Head): Message<RequestHead> | undefined {
  const { method, path } = /^(?<method>[A-Z]+) (?<path>\S+) HTTP\/1\.[01]$/i.exec(head.line)?.groups ?? {};
  const framing = declaredFraming(head) ?? 0;
  if (method === undefined || path === undefined || framing === 'invalid') return undefined;
  return { head: { ...head, method, path }, framing };
}

/** Whether the client waits for `100 Continue` before it sends the body. */
export function expectsContinue(head: Head): boolean {
  return valuesOf(head, 'expect').some((value) => value.toLowerCase() === '100-continue');
}

/**
 * Whether the connection may carry raw bytes after this request: an engine hijacks it for attach and exec, even
 * when the request has no `Upgrade`.
 *
 * @see Engine API, ContainerAttach, ExecStart, Session
 */
export function mayHijack(head: RequestHead): boolean {
  return (
    valuesOf(head, 'upgrade').length > 0 ||
    /^[^?]*\/(containers\/[^/?]+\/attach|exec\/[^/?]+\/start)(\?|$)/.test(head.path)
  );
}

/** Changes to the head of a request. */
interface HeadChanges {
  readonly path?: string | undefined;
  /** The length of a new body, which replaces the framing of the old one. */
  readonly bodyBytes?: number | undefined;
  /** Whether the client has been sent its `100 Continue`. */
  readonly isContinued?: boolean | undefined;
}

/** Returns the bytes of a head with these changes; the other lines keep their spelling. */
export function changeHead(bytes: Buffer, { path, bodyBytes, isContinued = false }: HeadChanges): Buffer {
  if (path === undefined && bodyBytes === undefined && !isContinued) return bytes;
  const dropped = [
    ...(isContinued ? ['expect'] : []),
    ...(bodyBytes === undefined ? [] : ['content-length', 'transfer-encoding', 'trailer']),
  ];
  const [line = '', ...fields] = bytes.toString('latin1').trim().split('\n');
  const lines = [
    path === undefined ? line : line.replace(/ \S+ /, () => ` ${path} `),
    ...fields.filter((field) => !dropped.includes(field.split(':', 1)[0]?.toLowerCase() ?? '')),
    ...(bodyBytes === undefined ? [] : [`Content-Length: ${bodyBytes}`]),
  ];
  return Buffer.from(`${lines.map((one) => one.replace(/\r$/, '')).join('\r\n')}\r\n\r\n`, 'latin1');
}
