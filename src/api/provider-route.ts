import type { JsonObject, JsonValue } from "../shared/protocol.ts";

/** A request to a route of a provider, as it came: whoever checks a signature needs each byte. */
export interface ProviderRequest {
  readonly method: string;
  /** The path and the query, as they were sent. */
  readonly target: string;
  /** The parameters of the path, by their names in braces. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  /** The body, of at most 64 KiB; empty where there is none. */
  readonly body: Buffer;
  /** The address of the client; behind proxies see `trustedProxyCount`. */
  readonly ip: string;
}

/** The answer of a provider's route, of any content type. */
export interface ProviderAnswer {
  /** @default 200 */
  readonly status?: number;
  /** @default "application/json; charset=utf-8" */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** @default "" */
  readonly body?: string | Uint8Array;
}

/** A session that a provider's route starts. */
export interface ProviderStart {
  readonly callId: string;
  /** @default "default" */
  readonly callType?: string;
  /** The `config` that the agent is given. */
  readonly config?: JsonObject;
  /**
   * The name of what is started once, such as the carrier's id of the call: a start with the same one within 10
   * minutes, at any replica, resolves with the session of the first, since carriers repeat a webhook. While that one is
   * still under way it rejects with IDEMPOTENCY_PENDING.
   * @default each start is a new session
   */
  readonly onceKey?: string;
  /** The `created_by` of the session, such as the provider and the caller's number. @default null */
  readonly createdBy?: JsonValue;
}

/** The outcome of a start that a provider asked for. */
export interface ProviderStarted {
  readonly sessionId: string;
  /** The session's token; null where there are none. */
  readonly sessionToken: string | null;
  /** True where it was started before, under the same `onceKey`. */
  readonly repeated: boolean;
}

/** The acts of a provider's route on calls. Nobody else is asked whether it may: its own check of the request decides. */
export interface ProviderCalls {
  /**
   * Starts a session, here or in another replica that has room, and resolves once `createAgent` has returned. Rejects with a
   * `GreenroomError` such as POOL_FULL, which the route may answer in its provider's words. A replica that has no room passes
   * the whole request on, so that the route of another one checks it too: check first, start then, and keep nothing in between.
   */
  start(start: ProviderStart): Promise<ProviderStarted>;
  /** Asks a session of this replica to close. Resolves with false where there is none that is live. */
  close(sessionId: string): Promise<boolean>;
}

/** A route of a provider, such as a carrier's webhook. Its own check of each request is the only permission that it needs. */
export interface ProviderHttpRoute {
  readonly method: "get" | "post";
  /**
   * The path, such as `/phone/carrier/status/{session_id}`. With `{session_id}` the replica that has the session answers,
   * whichever is asked.
   */
  readonly path: string;
  /** Answers a request. An `HttpError` that it throws, such as for a wrong signature, is the answer. */
  handle(request: ProviderRequest, calls: ProviderCalls): ProviderAnswer | Promise<ProviderAnswer>;
}

/** A client that a provider's route lets into a call. */
export interface ProviderClient {
  /** The participant that the client is in the call. */
  readonly participant: { readonly id: string; readonly name: string };
  /** Facts about the client for the edge, such as the number that calls. */
  readonly data?: JsonObject;
}

/** A WebSocket that a provider opens to a session of this server. */
export interface ProviderSocketRoute {
  readonly method: "websocket";
  /** The path. It holds `{session_id}`, of the session that the socket is for. */
  readonly path: string;
  /** Checks a handshake. An `HttpError` that it throws is the answer. */
  admit(request: ProviderRequest): ProviderClient | Promise<ProviderClient>;
}

/** A route that a provider brings along: of requests, or of WebSockets. */
export type ProviderRoute = ProviderHttpRoute | ProviderSocketRoute;
