/** A public Jest suite that its package ships. */
export interface Suite {
  /** Of its package. */
  readonly name: string;
  readonly version: string;
  /** What its tests need besides the package's own dependencies. */
  readonly packages: Readonly<Record<string, string>>;
  /** The suite's configuration of Jest. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

const jest = '30.5.2';
const swc = { '@swc/core': '1.16.22', '@swc/jest': '0.2.39' };

export const suites: readonly Suite[] = [
  // HTTP and TLS servers, streams of events, polling, file watchers; compiled by babel.
  {
    name: 'launchdarkly-node-server-sdk',
    version: '7.0.4',
    packages: {
      jest,
      '@babel/core': '^7.14.6',
      '@babel/preset-env': '^7.14.5',
      'launchdarkly-js-test-helpers': '2.2.0',
      tmp: '^0.2.1',
      typescript: '~4.4.4',
      yaml: '^1.10.2',
    },
    config: {
      // Without those that fail on a busy machine.
      testMatch: ['<rootDir>/test/!(event_processor)-test.js', '<rootDir>/utils/__tests__/*-test.js'],
    },
  },
  // Servers of HTTP and WebSockets, a cluster, workers of a queue; its Redis is ioredis-mock.
  {
    name: 'actionhero',
    version: '29.3.5',
    packages: {
      jest,
      ...swc,
      axios: '^1.8.4',
      'axios-cookiejar-support': '^5.0.5',
      'form-data': '^4.0.2',
      'ioredis-mock': '8.7.0',
      'tough-cookie': '^5.1.2',
    },
    config: {
      testMatch: [
        // Without those that need a Redis or a registry, and those that fail on a busy machine.
        '<rootDir>/__tests__/actions/!(swagger).ts',
        '<rootDir>/__tests__/core/{api,chatRoom,cluster,config,errors,log,middleware,process,specHelper}.ts',
        '<rootDir>/__tests__/servers/web/{allowedRequestHosts,*Multiples,jsonp,rawBody,returnErrorCodes}.ts',
        '<rootDir>/__tests__/servers/web/routes/*.ts',
      ],
      moduleNameMapper: { '^ioredis$': 'ioredis-mock' },
      transform: {
        '\\.ts$': [
          '@swc/jest',
          {
            jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
            module: { type: 'commonjs', noInterop: true },
          },
        ],
      },
    },
  },
  // Streams of events that reconnect, files that are kept; later versions leave a timeout of 5 s per client.
  {
    name: 'launchdarkly-node-client-sdk',
    version: '3.1.0',
    packages: {
      jest,
      '@babel/core': '^7.14.6',
      '@babel/preset-env': '^7.14.5',
      'launchdarkly-js-test-helpers': '2.2.0',
    },
    config: { testMatch: ['<rootDir>/src/__tests__/*-test.js'] },
  },
];
