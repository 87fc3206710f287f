import type { EndReason } from "../shared/end-reasons.ts";
import type { JsonObject, JsonValue, SessionState } from "../shared/protocol.ts";

/** The fields of a session that a permission callback may know. Times are in epoch milliseconds. */
export interface ScopedSession {
  readonly id: string;
  readonly callId: string;
  readonly callType: string;
  /** The `config` of its start; empty once it has ended. */
  readonly config: JsonObject;
  /** The caller that started it: the value of `getCurrentUser`, or null. */
  readonly createdBy: JsonValue;
  readonly startedAt: number;
  readonly state: SessionState;
  /** The reason of its end; null while it is live. */
  readonly endReason: EndReason | null;
  readonly endedAt: number | null;
}

/** A function of the request that others can be built on: `(scope) => value`, or a promise of it. */
export type Dependency<T> = (scope: Scope) => T | Promise<T>;

/**
 * Denies by returning `false` or `null`, or by throwing an `HttpError`. Any other value permits, so that a dependency
 * which throws can be used as it is.
 */
export type Permission = Dependency<unknown>;

/** One request, or one session of a list, as dependencies see it. */
export interface Scope {
  /** The method of the request, in capitals. */
  readonly method: string;
  /** The path of the request, without its query. */
  readonly path: string;
  readonly headers: Headers;
  readonly query: URLSearchParams;
  readonly cookies: ReadonlyMap<string, string>;
  /** `session_id` and `call_id`, where the path has them. */
  readonly params: Readonly<Record<string, string>>;
  /**
   * The JSON body; undefined where there is none. For `canStartSession` it is complete: `call_id`, `call_type` and `config`,
   * wherever they came from.
   */
  readonly body: JsonValue | undefined;
  /** The address of the client; behind proxies see `trustedProxyCount`. */
  readonly ip: string;
  /**
   * The session that the request is about, also for 10 minutes after its end. Where there is none by that id, it throws the
   * same 404 that a caller gets who may not view it, so that the two cannot be told apart. Of a session whose replica is
   * out of reach only what the fleet's registry holds is known: its `config` is empty then.
   */
  session(): ScopedSession;
  /**
   * The value of another dependency. Each runs once a request, however many ask for it; in a list, those that look at the
   * session run once for each session.
   */
  resolve<T>(dependency: Dependency<T>): Promise<T>;
  /** Runs `release` when the request ends, errors included, and an event stream when it is over. The last one runs first. */
  defer(release: () => unknown): void;
}
