import { describe, expect, it } from '@jest/globals';
import { parseEngineEvent } from '../../lib/engine/engine-event';

const id = '9d7ad553e70d599b2a2c57401578e2562f5da5a8a51d3020740fa2f25908656a';
const imageId = '0cec3ac4d7665653e9a7862d6b7692c1da96c4a8fd6fe3eeaa271f287402bacd';

/** Captured lines, with ids and other labels shortened. */
const captured = {
  'Docker, a container dies': [
    `{"status":"die","id":"${id}","from":"castoff-spec/busybox:1","Type":"container","Action":"die","Actor":{"ID":"${id}","Attributes":{"castoff-ev":"20400","exitCode":"137","image":"castoff-spec/busybox:1","name":"charming_hofstadter"}},"scope":"local","time":1795251086,"timeNano":1795251086353801124}`,
    {
      kind: 'container',
      action: 'die',
      id,
      name: 'charming_hofstadter',
      labels: { 'castoff-ev': '20400' },
      exitCode: 137,
      atNano: '1795251086353801124',
    },
  ],
  'Docker, a container is killed': [
    `{"status":"kill","id":"${id}","from":"castoff-spec/busybox:1","Type":"container","Action":"kill","Actor":{"ID":"${id}","Attributes":{"castoff-ev":"20400","image":"castoff-spec/busybox:1","name":"charming_hofstadter","signal":"9"}},"scope":"local","time":1795251086,"timeNano":1795251086311337258}`,
    {
      kind: 'container',
      action: 'kill',
      id,
      name: 'charming_hofstadter',
      labels: { 'castoff-ev': '20400' },
      atNano: '1795251086311337258',
    },
  ],
  'Docker, a container is destroyed': [
    `{"status":"destroy","id":"${id}","from":"castoff-spec/busybox:1","Type":"container","Action":"destroy","Actor":{"ID":"${id}","Attributes":{"castoff-ev":"20400","image":"castoff-spec/busybox:1","name":"charming_hofstadter"}},"scope":"local","time":1795251086,"timeNano":1795251086436058219}`,
    {
      kind: 'container',
      action: 'destroy',
      id,
      name: 'charming_hofstadter',
      labels: { 'castoff-ev': '20400' },
      atNano: '1795251086436058219',
    },
  ],
  'Docker, a health check changes its mind': [
    `{"status":"health_status: healthy","id":"${id}","from":"castoff-spec/busybox:1","Type":"container","Action":"health_status: healthy","Actor":{"ID":"${id}","Attributes":{"castoff-ev":"20400","image":"castoff-spec/busybox:1","name":"charming_hofstadter"}},"scope":"local","time":1795251085,"timeNano":1795251085192302195}`,
    {
      kind: 'container',
      action: 'health_status',
      detail: 'healthy',
      id,
      name: 'charming_hofstadter',
      labels: { 'castoff-ev': '20400' },
      atNano: '1795251085192302195',
    },
  ],
  'Docker, a health check runs': [
    `{"status":"exec_create: /bin/sh -c true","id":"${id}","from":"castoff-spec/busybox:1","Type":"container","Action":"exec_create: /bin/sh -c true","Actor":{"ID":"${id}","Attributes":{"castoff-ev":"20400","execID":"52a69e0e","image":"castoff-spec/busybox:1","name":"charming_hofstadter"}},"scope":"local","time":1795251085,"timeNano":1795251085152621515}`,
    {
      kind: 'container',
      action: 'exec_create',
      detail: '/bin/sh -c true',
      id,
      name: 'charming_hofstadter',
      labels: { 'castoff-ev': '20400' },
      atNano: '1795251085152621515',
    },
  ],
  'Docker, a container leaves a network': [
    `{"Type":"network","Action":"disconnect","Actor":{"ID":"e0d3316896470c33bf55f13c81201ac2080a0e710686f0a248ceffdbeb901ce7","Attributes":{"container":"${id}","name":"castoff-ev-net-20400","type":"bridge"}},"scope":"local","time":1795251086,"timeNano":1795251086418715757}`,
    {
      kind: 'network',
      action: 'disconnect',
      id: 'e0d3316896470c33bf55f13c81201ac2080a0e710686f0a248ceffdbeb901ce7',
      name: 'castoff-ev-net-20400',
      labels: {},
      atNano: '1795251086418715757',
    },
  ],
  'Docker, a labelled network is destroyed': [
    `{"Type":"network","Action":"destroy","Actor":{"ID":"e0d3316896470c33bf55f13c81201ac2080a0e710686f0a248ceffdbeb901ce7","Attributes":{"name":"castoff-ev-net-20400","type":"bridge"}},"scope":"local","time":1795251086,"timeNano":1795251086652784417}`,
    {
      kind: 'network',
      action: 'destroy',
      id: 'e0d3316896470c33bf55f13c81201ac2080a0e710686f0a248ceffdbeb901ce7',
      name: 'castoff-ev-net-20400',
      labels: {},
      atNano: '1795251086652784417',
    },
  ],
  'Docker, a labelled volume is destroyed': [
    '{"Type":"volume","Action":"destroy","Actor":{"ID":"castoff-ev-vol-20400","Attributes":{"driver":"local"}},"scope":"local","time":1795251086,"timeNano":1795251086666293441}',
    {
      kind: 'volume',
      action: 'destroy',
      id: 'castoff-ev-vol-20400',
      name: 'castoff-ev-vol-20400',
      labels: {},
      atNano: '1795251086666293441',
    },
  ],
  'Docker, an image loses a name': [
    `{"status":"untag","id":"sha256:${imageId}","Type":"image","Action":"untag","Actor":{"ID":"sha256:${imageId}","Attributes":{"castoff-ev":"20400","name":"sha256:${imageId}"}},"scope":"local","time":1795251086,"timeNano":1795251086791506296}`,
    {
      kind: 'image',
      action: 'untag',
      id: `sha256:${imageId}`,
      name: `sha256:${imageId}`,
      labels: { 'castoff-ev': '20400' },
      atNano: '1795251086791506296',
    },
  ],
  'Podman, a container dies': [
    `{"status":"die","id":"${id}","from":"docker.io/castoff-spec/busybox:1","Type":"container","Action":"die","Actor":{"ID":"${id}","Attributes":{"castoff-ev":"1","containerExitCode":"3","exitCode":"3","image":"docker.io/castoff-spec/busybox:1","name":"tender_gates","podId":""}},"scope":"local","time":1795251386,"timeNano":1795251386433214232}`,
    {
      kind: 'container',
      action: 'die',
      id,
      name: 'tender_gates',
      labels: { 'castoff-ev': '1' },
      exitCode: 3,
      atNano: '1795251386433214232',
    },
  ],
  'Podman, a container is removed': [
    `{"status":"remove","id":"${id}","from":"docker.io/castoff-spec/busybox:1","Type":"container","Action":"remove","Actor":{"ID":"${id}","Attributes":{"castoff-ev":"1","containerExitCode":"0","image":"docker.io/castoff-spec/busybox:1","name":"tender_gates","podId":""}},"scope":"local","time":1795251386,"timeNano":1795251386742088291}`,
    {
      kind: 'container',
      action: 'destroy',
      id,
      name: 'tender_gates',
      labels: { 'castoff-ev': '1' },
      atNano: '1795251386742088291',
    },
  ],
  'Podman, an exec ends': [
    `{"status":"exec_died","id":"${id}","from":"docker.io/castoff-spec/busybox:1","Type":"container","Action":"exec_died","Actor":{"ID":"${id}","Attributes":{"castoff-ev":"1","containerExitCode":"0","image":"docker.io/castoff-spec/busybox:1","name":"tender_gates","podId":""}},"scope":"local","time":1795251386,"timeNano":1795251386015526408}`,
    {
      kind: 'container',
      action: 'exec_die',
      id,
      name: 'tender_gates',
      labels: { 'castoff-ev': '1' },
      atNano: '1795251386015526408',
    },
  ],
  'Podman, a volume without an ID is removed': [
    '{"status":"remove","Type":"volume","Action":"remove","Actor":{"ID":"","Attributes":{"containerExitCode":"0","image":"","name":"evol","podId":""}},"scope":"local","time":1795251386,"timeNano":1795251386261379810}',
    {
      kind: 'volume',
      action: 'destroy',
      id: 'evol',
      name: 'evol',
      labels: {},
      atNano: '1795251386261379810',
    },
  ],
  'Podman, an image goes': [
    `{"status":"delete","id":"${imageId}","Type":"image","Action":"delete","Actor":{"ID":"${imageId}","Attributes":{"containerExitCode":"0","image":"","name":"docker.io/castoff-spec/x:2","podId":""}},"scope":"local","time":1795251386,"timeNano":1795251386779362803}`,
    {
      kind: 'image',
      action: 'delete',
      id: `sha256:${imageId}`,
      name: 'docker.io/castoff-spec/x:2',
      labels: {},
      atNano: '1795251386779362803',
    },
  ],
} as const;

describe('a line of events', () => {
  it.each(Object.entries(captured))('is parsed: %s', (_, [line, expected]) => {
    expect(parseEngineEvent(line)).toEqual(expected);
  });

  it('keeps its time when a label contains another', () => {
    const labels = JSON.stringify({ a: '"timeNano":1', timeNano: '2', name: 'x' });
    const line = `{"Type":"container","Action":"start","Actor":{"ID":"${id}","Attributes":${labels}},"time":1795251086,"timeNano":1795251086353801124}`;
    expect(parseEngineEvent(line)).toMatchObject({
      atNano: '1795251086353801124',
      labels: { a: '"timeNano":1', timeNano: '2' },
    });
  });

  it.each([
    ['of the daemon', '{"Type":"daemon","Action":"reload","Actor":{"ID":"x"},"timeNano":1}'],
    ['without an actor', '{"Type":"container","Action":"start","timeNano":1}'],
    ['without a time', `{"Type":"container","Action":"start","Actor":{"ID":"${id}"}}`],
    ['null', 'null'],
    ['empty', ''],
    ['truncated', '{"Type":"container","Act'],
    ['an error message', '{"message":"something went wrong"}'],
  ])('is ignored when it is %s', (_, line) => {
    expect(parseEngineEvent(line)).toBeUndefined();
  });
});
