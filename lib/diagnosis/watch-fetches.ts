import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { belowTls } from './is-open';

/** What undici publishes. @see undici, docs/docs/api/DiagnosticsChannel.md; Node.js contains a copy for `fetch` */
interface Message {
  readonly request: object & { readonly upgrade?: unknown };
  readonly socket?: { readonly _handle?: object | null };
}

/**
 * Watches the requests of undici and `fetch`, whose connections serve one after another. Returns a function to
 * stop it.
 *
 * @param onCreate - Called with a request where the user makes it, and the function above the user's frames.
 * Returns what to keep of it.
 * @param onSend - Called with what is kept of a request, if anything, and the handle of the connection that sends it.
 */
export function watchFetches<Kept extends object>(
  onCreate: (request: object, until: (message: unknown) => void) => Kept | undefined,
  onSend: (kept: Kept | undefined, handle: object) => void,
): () => void {
  const created = new WeakMap<object, Kept>();
  const onRequest = (message: unknown): void => {
    const { request } = message as Message;
    // A WebSocket has a connection of its own.
    const kept = request.upgrade ? undefined : onCreate(request, onRequest);
    if (kept !== undefined) created.set(request, kept);
  };
  const onHeaders = (message: unknown): void => {
    const { request, socket } = message as Message;
    const { _handle: handle } = socket ?? {};
    if (handle != null && !request.upgrade) onSend(created.get(request), belowTls(handle));
  };
  const listeners = [
    ['undici:request:create', onRequest],
    ['undici:client:sendHeaders', onHeaders],
  ] as const;
  for (const [name, listener] of listeners) subscribe(name, listener);
  return () => {
    for (const [name, listener] of listeners) unsubscribe(name, listener);
  };
}
