/* Made by `npm run docs` from the tables of `src/options/`: change it there. */

import type Koa from "koa";
import type { LogLevel } from "../shared/protocol.ts";
import type { ProviderRoute } from "./provider-route.ts";
import type { Dependency, Permission } from "./scope.ts";

/**
 * The options of how the server speaks HTTP, and who may do what. Times are in milliseconds, limits per
 * caller and process.
 */
export interface ServeOptions {
  /**
   * A ready Koa application to serve instead of the own one. Nothing is configured on it: mount
   * {@link routes} in it where you want them. The launcher is started and drained around it.
   */
  readonly app?: Koa;
  /**
   * Adds to the own application: `(app) => app.use(router.routes())`. It gets what the API does not know,
   * behind the checks of Host and Origin, CORS and the request log; what it throws is answered as the API's
   * errors are. Nobody is asked who they are there. Not together with `app`.
   */
  readonly configureApp?: (app: Koa) => void | Promise<void>;
  /**
   * The address to listen on. It is also a name that the Host check accepts.
   * @default "127.0.0.1"
   */
  readonly host?: string;
  /**
   * The port to listen on; 0 takes any free one.
   * @default 8000
   */
  readonly port?: number;
  /**
   * Serves `GET /metrics` on a port of its own, and then not on `port`.
   * @default null
   */
  readonly metricsPort?: number | null;
  /**
   * Web origins that may call, such as `https://app.example.com`; `["*"]` for all. Where no callback decides
   * who may do what, the Host header is checked as well, whatever is named here: see `allowedHosts`.
   * @default own and localhost; every origin once callers authenticate
   */
  readonly corsAllowOrigins?: readonly string[];
  /**
   * The methods that other origins may use; `["*"]` are the methods that the API has.
   * @default ["*"]
   */
  readonly corsAllowMethods?: readonly string[];
  /**
   * The headers that other origins may send; `["*"]` is whatever the browser asks for, `Authorization`
   * included.
   * @default ["*"]
   */
  readonly corsAllowHeaders?: readonly string[];
  /**
   * Lets browsers send cookies. Needs `corsAllowOrigins` without a wildcard.
   * @default false
   */
  readonly corsAllowCredentials?: boolean;
  /**
   * Further names that the Host check accepts, such as the one of a Kubernetes Service or of a tunnel.
   * @default none
   */
  readonly allowedHosts?: readonly string[];
  /**
   * Proxies in front of the server whose `X-Forwarded-For` is believed; 0: the address of the connection
   * counts.
   * @default 0
   */
  readonly trustedProxyCount?: number;
  /**
   * Returns the caller: JSON of at most 4 KiB, which becomes the session's `created_by`. Throws
   * `HttpError(401, …)` for strangers. Each permission below judges by itself: who may close a session need
   * not be one who may view it. A request with a session_token is judged as if who started the session had
   * sent it.
   * @default nobody is asked
   */
  readonly getCurrentUser?: Dependency<unknown>;
  /**
   * Decides who may start a session. `scope.body` is the complete start request. Denied: 403.
   * @default everybody may
   */
  readonly canStartSession?: Permission;
  /**
   * Decides who may close a session. Denied: 403, or 404 where the caller may not view either.
   * @default as `canViewSession`
   */
  readonly canCloseSession?: Permission;
  /**
   * Decides who may view a session, its events and lists. Denied: the 404 of a session that does not exist.
   * @default everybody may
   */
  readonly canViewSession?: Permission;
  /**
   * Decides who may read the metrics of a session. Denied: 403, or 404 where the caller may not view either.
   * @default as `canViewSession`
   */
  readonly canViewMetrics?: Permission;
  /**
   * Decides who may send the agent a message. Denied: 403, or 404 where the caller may not view either.
   * @default as `canViewSession`
   */
  readonly canSendMessage?: Permission;
  /**
   * Decides who may steer the agent of a session: have it say or answer something, cut it short, change its
   * instructions. `scope.body` is the request. A session token does not give it. Denied: 403, or 404 where
   * the caller may not view either.
   * @default as `canViewSession`
   */
  readonly canSteerSession?: Permission;
  /**
   * Decides who may have a token to join the call, or come into it by an offer or a WebSocket. `scope.body`
   * is the request, with a `user_id`, which a WebSocket has in `scope.query`: a caller who may name a user
   * may be that user. A session token gives no join token, and lets its bearer come in as a guest. Denied:
   * 403, or 404 where the caller may not view either.
   * @default as `canViewSession`
   */
  readonly canJoinCall?: Permission;
  /**
   * The longest time that one of these callbacks may take, in milliseconds; then 503.
   * @default 10000
   */
  readonly permissionTimeoutMs?: number;
  /**
   * Refuses requests to start a session, or with a message, that have fields which are not known: 422 names
   * them. Otherwise such a field is ignored, and the log says so.
   * @default false
   */
  readonly strictBodies?: boolean;
  /**
   * Where the page on which a person talks to the agent is served, at `/talk` of the own application: `local`
   * only while `host` is an address of this machine alone, `always`, or `never`. The page may do what its
   * caller may: callbacks and keys hold for it too.
   * @default "local"
   */
  readonly talkPage?: "local" | "always" | "never";
  /**
   * Where the operations page is served, at `/console` of the own application: as `talkPage`. It shows what
   * its caller may view: callbacks and keys hold for it too.
   * @default "local"
   */
  readonly consolePage?: "local" | "always" | "never";
  /**
   * Hands out a `session_token` with each started session, and accepts it as `?token=`.
   * @default true
   */
  readonly sessionTokens?: boolean;
  /**
   * Signs the session tokens: 32 characters or more, the same in every process that shares sessions.
   * @default `GREENROOM_SESSION_TOKEN_SECRET`, else a random one for the life of the process
   */
  readonly sessionTokenSecret?: string;
  /**
   * Shared by the replicas of a fleet, 32 characters or more: with it they pass requests on to each other,
   * and know each other's session tokens where `sessionTokenSecret` is not given. To change it while the
   * fleet runs, give several, with spaces between: the first signs, all are accepted. Without it nothing is
   * passed on.
   * @default `GREENROOM_PEER_SECRET`
   */
  readonly peerSecret?: string;
  /**
   * Routes of providers, such as the webhooks of a telephone carrier. Each checks its requests by itself, and
   * no callback is asked.
   * @default []
   */
  readonly providerRoutes?: readonly ProviderRoute[];
  /**
   * Starts a second, in the long run, of each caller; `null`: no limit.
   * @default 50
   */
  readonly startsPerSecond?: number | null;
  /**
   * Starts at once, on top of the rate.
   * @default 200
   */
  readonly startBurst?: number;
  /**
   * Messages a second, in the long run, over all sessions of the caller; so many join tokens and offers too.
   * `null`: no limit.
   * @default 100
   */
  readonly messagesPerSecond?: number | null;
  /**
   * Messages at once, on top of the rate; the same of join tokens.
   * @default 200
   */
  readonly messageBurst?: number;
  /**
   * Event streams of each caller that may be open at a time; `null`: no limit.
   * @default 256
   */
  readonly maxEventStreams?: number | null;
  /**
   * WebSockets of each caller that may be open at a time; `null`: no limit. 16 of them may be open to one
   * session.
   * @default 256
   */
  readonly maxMediaSockets?: number | null;
  /**
   * The longest time without a byte from the client of a WebSocket, in milliseconds; then it is cut. Clients
   * answer the pings of the edge, which come every 10 s. `null`: no limit.
   * @default 60000
   */
  readonly mediaSocketIdleTimeoutMs?: number | null;
  /**
   * The time between two comments on an event stream, which keep it open in proxies, in milliseconds.
   * @default 15000
   */
  readonly eventCommentIntervalMs?: number;
  /**
   * Bytes that may wait for a slow reader of events before it is cut off; it can come back with
   * Last-Event-ID.
   * @default 262144
   */
  readonly eventBufferBytes?: number;
  /**
   * The longest times that a client may take.
   * @default those of `ServerTimeouts`
   */
  readonly timeouts?: ServerTimeouts;
  /**
   * The least level of the request log.
   * @default that of logLevel
   */
  readonly httpLogLevel?: LogLevel;
}

/** The longest times that a client may take. Clients that are slower are cut off. */
export interface ServerTimeouts {
  /**
   * The longest time from the connection to the last header, in milliseconds.
   * @default 10000
   */
  readonly headersMs?: number;
  /**
   * The longest time from the connection to the last byte of the body, of which there are 64 KiB at most, in
   * milliseconds.
   * @default 30000
   */
  readonly requestMs?: number;
  /**
   * The longest time between two requests of a connection, in milliseconds. It should be longer than that of
   * the load balancer in front, which commonly is 60 s.
   * @default 75000
   */
  readonly keepAliveMs?: number;
  /**
   * The time between two checks of `headersMs` and `requestMs`, in milliseconds.
   * @default 5000
   */
  readonly checkIntervalMs?: number;
}
