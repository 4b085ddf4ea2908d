import type { RequestTarget } from './request-target';

/** A request of `fetch` or undici before it is sent. @see undici, `docs/api/DiagnosticsChannel.md` */
export interface FetchRequest {
  readonly method: string;
  readonly path: string;
  readonly origin?: string | URL | undefined;
  /** Bytes, or an iterable of them: `fetch` has a generator, undici also a stream or a Blob. */
  body?: unknown;
  /** `null`: sent in chunks. */
  contentLength?: number | null;
}

/** Returns the target of a request, unless it uses a unix socket. */
export function targetOfOrigin({ origin }: FetchRequest): RequestTarget {
  const { protocol, hostname: host, port } = new URL(String(origin));
  return { host, port: Number(port || (protocol === 'https:' ? 443 : 80)) };
}

/** Whether {@link bytesOf} can read a body. Others, like a `FormData`, do not create resources. */
export function isReadable(body: unknown): boolean {
  if (typeof body === 'string' || ArrayBuffer.isView(body)) return true;
  return typeof body === 'object' && body !== null && (Symbol.asyncIterator in body || 'arrayBuffer' in body);
}

/** Resolves to the bytes of a body that {@link isReadable}. */
export async function bytesOf(body: unknown): Promise<Buffer> {
  if (typeof body === 'string') return Buffer.from(body);
  if (ArrayBuffer.isView(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (isBlob(body)) return Buffer.from(await body.arrayBuffer());
  const chunks: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Uint8Array | string>)
    chunks.push(Buffer.from(chunk as string));
  return Buffer.concat(chunks);
}

function isBlob(body: unknown): body is Blob {
  return typeof body === 'object' && body !== null && 'arrayBuffer' in body;
}
