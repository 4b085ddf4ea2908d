import type { RyukRow } from '../ryuk-stage';

/** Settings from environment variables. */
export const settingRows: readonly RyukRow[] = [
  {
    behaviour: 'listens on RYUK_PORT, and logs the address',
    isOfImage: true,
    async observe({ start, line }) {
      const ryuk = await start({ RYUK_PORT: '9090', RYUK_VERBOSE: 'true' }, { port: 9090 });
      const said = /msg=Started address=\S+/.exec(ryuk.log())?.[0];
      return { said, answer: await ryuk.connect().claim(line) };
    },
    expected: { said: 'msg=Started address=[::]:9090', answer: 'ACK' },
  },
  ...[
    { RYUK_CONNECTION_TIMEOUT: '10' },
    { RYUK_RECONNECTION_TIMEOUT: 'soon' },
    { RYUK_SHUTDOWN_TIMEOUT: '1e9h' },
    { RYUK_REMOVE_RETRIES: 'many' },
    { RYUK_VERBOSE: 'perhaps' },
    { RYUK_PORT: '70000' },
  ].map((env): RyukRow => {
    const [name, value] = Object.entries(env)[0] ?? [];
    return {
      behaviour: `does not start with ${name}=${value}`,
      // The program that listens before Node.js is up reads the port, and leaves invalid ones to Node.js.
      ...(name === 'RYUK_PORT' ? { isOfImage: true } : { isInProtocolSpec: true }),
      async observe({ launch }) {
        const ryuk = await launch(env);
        return { exit: await ryuk.ended, hasStarted: ryuk.log().includes('msg=Started') };
      },
      expected: { exit: 1, hasStarted: false },
    };
  }),
];
