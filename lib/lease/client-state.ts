import { claimKey, type BoundedLabels } from '../core/bounds';
import type { Reply, Request } from '../reaper/protocol/message';

/** A request without its id. */
export type RequestBody = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;
/** The request that opens a connection to a reaper. */
export type Hello = Extract<RequestBody, { type: 'hello' }>;

/**
 * The client's side of a lease: its claims and pending requests. Each new connection repeats the claims, in
 * the order in which they were first made.
 */
export interface ClientState {
  /** `resuming`: connected, and still waiting for the replies to hello and the claims. */
  readonly phase: 'away' | 'resuming' | 'held' | 'closed';
  readonly hello: Hello;
  readonly claims: ReadonlyMap<string, HeldClaim>;
  /** Requests sent on this connection and not answered yet, in order. */
  readonly sent: readonly SentRequest[];
  /** Requests to send on the next connection. */
  readonly queued: readonly PendingRequest[];
  readonly nextId: number;
  /** Whether the lease was held before, and then lost. */
  readonly wasLost: boolean;
}

interface HeldClaim extends BoundedLabels {
  readonly isAcknowledged: boolean;
  /** The tickets to settle when the reaper replies. */
  readonly tickets: readonly number[];
}

interface PendingRequest {
  readonly body: RequestBody;
  /** `undefined` when no caller waits, or when the claim has the tickets. */
  readonly ticket?: number | undefined;
}

interface SentRequest extends PendingRequest {
  readonly id: number;
}

/** An event of the connection, or a request of the client's user. */
export type ClientEvent =
  | { readonly type: 'connected' }
  /** `ticket` identifies the caller that waits for the reply. */
  | { readonly type: 'requested'; readonly body: RequestBody; readonly ticket: number }
  | { readonly type: 'answered'; readonly reply: Reply }
  | { readonly type: 'disconnected' };

/** An action for {@link ClientStep.actions}. */
export type ClientAction =
  | { readonly type: 'send'; readonly request: Request }
  | { readonly type: 'settle'; readonly ticket: number; readonly reply: Reply }
  /** The reaper has answered hello and all claims: the lease is held. */
  | { readonly type: 'held'; readonly wasLost: boolean }
  | { readonly type: 'lost' }
  /** The reaper refused this client, or broke the protocol. */
  | { readonly type: 'drop'; readonly reason: string }
  /** The reaper refused a claim that no caller waits for. */
  | ({ readonly type: 'claim-refused'; readonly reason: string } & BoundedLabels);

/** The next state, and the actions that lead to it. */
export interface ClientStep {
  readonly state: ClientState;
  readonly actions: readonly ClientAction[];
}

/** Returns the state of a client that has not connected yet. */
export function initialClientState(hello: Hello): ClientState {
  return { phase: 'away', hello, claims: new Map(), sent: [], queued: [], nextId: 1, wasLost: false };
}

/** Returns the state after `event`, and the actions to take, in order. */
export function advanceClient(state: ClientState, event: ClientEvent): ClientStep {
  switch (event.type) {
    case 'connected':
      return resume(state);
    case 'requested':
      return request(state, event);
    case 'answered':
      return takeReply(state, event.reply);
    case 'disconnected':
      return lose(state);
  }
}

function resume(state: ClientState): ClientStep {
  const repeated: readonly PendingRequest[] = [
    { body: state.hello },
    ...[...state.claims.values()].map((claim) => ({
      body: { type: 'claim', ...boundedLabelsOf(claim) } as const,
    })),
    ...state.queued,
  ];
  return send({ ...state, phase: 'resuming', sent: [], queued: [] }, repeated);
}

function send(state: ClientState, pending: readonly PendingRequest[]): ClientStep {
  const sent = pending.map((one, index) => ({ ...one, id: state.nextId + index }));
  return {
    state: { ...state, sent: [...state.sent, ...sent], nextId: state.nextId + sent.length },
    actions: sent.map(({ body, id }) => ({ type: 'send', request: { ...body, id } })),
  };
}

function request(state: ClientState, event: Extract<ClientEvent, { type: 'requested' }>): ClientStep {
  const { body, ticket } = event;
  if (state.phase === 'closed') return settle(state, ticket);
  const isConnected = state.phase !== 'away';
  switch (body.type) {
    case 'claim': {
      const key = claimKey(body.labels, body.bounds);
      const known = state.claims.get(key);
      if (known?.isAcknowledged === true) return settle(state, ticket);
      const claim: HeldClaim = {
        ...boundedLabelsOf(body),
        isAcknowledged: false,
        tickets: [...(known?.tickets ?? []), ticket],
      };
      const claiming = { ...state, claims: new Map(state.claims).set(key, claim) };
      return isConnected && known === undefined ? send(claiming, [{ body }]) : stay(claiming);
    }
    case 'release': {
      const key = claimKey(body.labels, body.bounds);
      const claimants = (state.claims.get(key)?.tickets ?? []).map((waiting) => ({
        body,
        ticket: waiting,
      }));
      const { state: released, actions } = settleAll(withoutClaim(state, key), claimants);
      const step = isConnected ? send(released, [{ body, ticket }]) : settle(released, ticket);
      return { state: step.state, actions: [...actions, ...step.actions] };
    }
    case 'bye':
      return isConnected ? send(state, [{ body, ticket }]) : settle(close(state), ticket);
    case 'hello':
    case 'ping':
      return isConnected
        ? send(state, [{ body, ticket }])
        : stay({ ...state, queued: [...state.queued, { body, ticket }] });
  }
}

function takeReply(state: ClientState, reply: Reply): ClientStep {
  // The reply to a line that was no request: Podman sends the body of the attach call to the reaper as its
  // first line.
  if (reply.id === 0 || state.phase === 'away' || state.phase === 'closed') return stay(state);
  const [first, ...rest] = state.sent;
  if (first === undefined || first.id !== reply.id) {
    return dropped(state, `got a reply to request ${reply.id}, expected one to ${first?.id ?? 'none'}`);
  }
  const answered = { ...state, sent: rest };
  if (first.body.type === 'hello' && !reply.ok) return dropped(answered, reply.reason);
  const { state: next, actions } = takeAnswer(answered, first, reply);
  return isResumed(next)
    ? {
        state: { ...next, phase: 'held', wasLost: false },
        actions: [...actions, { type: 'held', wasLost: next.wasLost }],
      }
    : { state: next, actions };
}

function takeAnswer(state: ClientState, { body, ticket }: SentRequest, reply: Reply): ClientStep {
  if (body.type === 'bye') return settle(close(state), ticket, reply);
  if (body.type !== 'claim') return settle(state, ticket, reply);
  const key = claimKey(body.labels, body.bounds);
  const claim = state.claims.get(key);
  if (claim === undefined) return stay(state);
  const settled = claim.tickets.map((one) => ({ type: 'settle', ticket: one, reply }) as const);
  if (reply.ok) {
    const held: HeldClaim = { ...boundedLabelsOf(claim), isAcknowledged: true, tickets: [] };
    return { state: { ...state, claims: new Map(state.claims).set(key, held) }, actions: settled };
  }
  const refused = { type: 'claim-refused', ...boundedLabelsOf(body), reason: reply.reason } as const;
  return { state: withoutClaim(state, key), actions: settled.length > 0 ? settled : [refused] };
}

function lose(state: ClientState): ClientStep {
  if (state.phase === 'closed' || state.phase === 'away') return stay(state);
  const isLeaving = state.sent.some(({ body }) => body.type === 'bye');
  const unanswered = state.sent.filter(({ body }) => body.type !== 'hello' && body.type !== 'claim');
  if (isLeaving) return settleAll(close({ ...state, sent: [] }), unanswered);
  // A release takes effect when it is requested: the claim is not repeated.
  const kept = unanswered.filter(({ body }) => body.type !== 'release');
  const done = unanswered.filter(({ body }) => body.type === 'release');
  const claims = new Map(
    [...state.claims].map(([key, claim]) => [key, { ...claim, isAcknowledged: false }] as const),
  );
  const queued = kept.map(({ body, ticket }) => ({ body, ticket }));
  const step = settleAll({ ...state, phase: 'away', claims, sent: [], queued }, done);
  if (state.phase === 'resuming') return step;
  return { state: { ...step.state, wasLost: true }, actions: [...step.actions, { type: 'lost' }] };
}

function isResumed({ phase, sent }: ClientState): boolean {
  return phase === 'resuming' && !sent.some(({ body }) => body.type === 'hello' || body.type === 'claim');
}

const accepted: Reply = { id: 0, ok: true };

function settle(state: ClientState, ticket: number | undefined, reply = accepted): ClientStep {
  return { state, actions: ticket === undefined ? [] : [{ type: 'settle', ticket, reply }] };
}

function settleAll(state: ClientState, pending: readonly PendingRequest[]): ClientStep {
  return { state, actions: pending.flatMap(({ ticket }) => settle(state, ticket).actions) };
}

// Later replies on this connection are ignored.
function dropped(state: ClientState, reason: string): ClientStep {
  const { state: next, actions } = lose(state);
  return { state: next, actions: [{ type: 'drop', reason }, ...actions] };
}

function close(state: ClientState): ClientState {
  return { ...state, phase: 'closed' };
}

function stay(state: ClientState): ClientStep {
  return { state, actions: [] };
}

function withoutClaim(state: ClientState, key: string): ClientState {
  const claims = new Map(state.claims);
  claims.delete(key);
  return { ...state, claims };
}

function boundedLabelsOf({ labels, bounds }: BoundedLabels): BoundedLabels {
  return bounds === undefined ? { labels } : { labels, bounds };
}
