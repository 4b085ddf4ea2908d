import { openFaultProxy, type FaultProxy } from './fault-proxy';

/**
 * Opens a fault proxy that testcontainers and castoff use as their engine until it is closed. For
 * `beforeAll`: testcontainers chooses its engine once, on first use in a spec file.
 */
export async function openProxyForAll(): Promise<FaultProxy> {
  const before = process.env['DOCKER_HOST'];
  const upstream = before?.startsWith('unix://') ? before.slice('unix://'.length) : undefined;
  const proxy = await openFaultProxy({ upstream });
  process.env['DOCKER_HOST'] = proxy.address;
  const close = async (): Promise<void> => {
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
    await proxy.close();
  };
  return { ...proxy, close, [Symbol.asyncDispose]: close };
}
