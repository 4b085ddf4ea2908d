/** Every call that castoff makes to an engine. */
export type EngineCall =
  | 'ping'
  | 'version'
  | 'info'
  | 'events'
  | `${'container' | 'network' | 'service' | 'volume' | 'image'}.${'inspect' | 'remove'}`
  | `${'container' | 'network' | 'volume' | 'image'}.list`
  | `container.${'attach' | 'create' | 'logs' | 'stop' | 'kill' | 'start' | 'wait'}`
  | `image.${'history' | 'import' | 'build'}`
  | 'network.disconnect'
  | 'volume.create';

/**
 * The meaning of an engine's response for a removal.
 *
 * - `done`: the call succeeded, or there was nothing to do (304)
 * - `gone`: the resource does not exist, or no longer
 * - `being-removed`: another client's removal is in progress; it may still fail
 * - `busy`: another resource is using it; a retry may succeed
 * - `failed`: the engine tried and failed
 * - `engine-away`: no response, or only one from a proxy
 * - `refused`: rejected; a retry will not help
 */
export type Meaning = 'done' | 'gone' | 'being-removed' | 'busy' | 'failed' | 'engine-away' | 'refused';

interface Row {
  readonly call?: EngineCall;
  readonly status: number;
  readonly message?: RegExp;
  readonly meaning: Meaning;
}

/**
 * The first row that matches a response gives its meaning. Messages were captured from Docker 20.10.24 and
 * Podman 4.3.1, unless a source is named.
 */
const table: readonly Row[] = [
  // {"message":"removal of container 8d7c… is already in progress"}
  {
    call: 'container.remove',
    status: 409,
    message: /removal of container .* is already in progress/,
    meaning: 'being-removed',
  },
  // {"message":"error while removing network: network app id 6f21… has active endpoints"}
  { call: 'network.remove', status: 403, message: /has active endpoints/, meaning: 'busy' },
  // Podman: {"cause":"network is being used","message":"\"app\" has associated containers with it. …","response":500}
  { call: 'network.remove', status: 500, message: /network is being used/, meaning: 'busy' },
  // Podman: {"message":"default network podman cannot be removed","response":500}
  {
    call: 'network.remove',
    status: 500,
    message: /default network .* cannot be removed/,
    meaning: 'refused',
  },
  // {"message":"container 4f… is not connected to the network app"}
  { call: 'network.disconnect', status: 403, message: /is not connected to/, meaning: 'gone' },
  { call: 'network.disconnect', status: 500, message: /is not connected to/, meaning: 'gone' },
  // {"message":"conflict: unable to delete 5b8b… (must be forced) - image is referenced in multiple repositories"}
  { call: 'image.remove', status: 409, message: /referenced in multiple repositories/, meaning: 'refused' },
  // Podman: {"message":"unable to delete image … with more than one tag (…): please force removal","response":500}
  { call: 'image.remove', status: 500, message: /more than one tag/, meaning: 'refused' },
  // {"message":"page not found"}: no such route; <html>…: a proxy. Neither is about the resource.
  { status: 404, message: /page not found|^</, meaning: 'refused' },
  // {"message":"No such container: x"}, {"message":"network x not found"}, {"message":"get x: no such volume"};
  // Podman: {"cause":"image not known","message":"failed to find image x: image not known","response":404}
  // {"message":"error while removing network: unknown network x id 8dd1…"}: removed by another client in the meantime.
  { status: 404, message: /[Nn]o such|not found|not known|unknown network/, meaning: 'gone' },
  // {"message":"unrecognized image ID sha256:7ab3…"}: removed by another client in the meantime. 404 on Docker 28.
  { call: 'image.remove', status: 500, message: /unrecognized image ID/, meaning: 'gone' },
  { call: 'image.remove', status: 404, message: /unrecognized image ID/, meaning: 'gone' },
  // 503 {"message":"This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to connect this node …"}
  { call: 'service.inspect', status: 503, message: /Use "docker swarm init"/, meaning: 'gone' },
  // "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. …" @see
  // moby, daemon/cluster
  { call: 'service.inspect', status: 503, message: /swarm/i, meaning: 'refused' },
  { call: 'service.remove', status: 503, message: /swarm/i, meaning: 'refused' },
  { status: 304, meaning: 'done' },
  { status: 409, meaning: 'busy' },
  { status: 500, meaning: 'failed' },
  { status: 502, meaning: 'engine-away' },
  { status: 503, meaning: 'engine-away' },
  { status: 504, meaning: 'engine-away' },
];

/** The engine's response; `status` is undefined when the connection failed. */
export interface RawAnswer {
  readonly status?: number | undefined;
  readonly message: string;
}

/** Returns the meaning of `answer` to `call`. All knowledge of engines' responses is in this table. */
export function meaningOf(call: EngineCall, answer: RawAnswer): Meaning {
  const { status, message } = answer;
  if (status === undefined) return 'engine-away';
  if (status >= 200 && status < 300) return 'done';
  const match = table.find(
    (row) =>
      row.status === status &&
      (row.call === undefined || row.call === call) &&
      (row.message === undefined || row.message.test(message)),
  );
  return match?.meaning ?? 'refused';
}
