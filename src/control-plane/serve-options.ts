import type Koa from "koa";
import { z } from "zod";
import { GreenroomError } from "../shared/errors.ts";
import type { LogLevel } from "../shared/protocol.ts";
import { didYouMean } from "../shared/similar.ts";
import { allowedHost, isOrigin, originHint } from "./access/host-names.ts";
import { type Prepared, prepareDependencies } from "./access/prepare.ts";
import type { Dependency, Permission } from "./access/scope.ts";

/**
 * The options for how the server speaks HTTP, and who may do what. Times are in milliseconds, limits per caller and
 * process.
 */
export interface ServeOptions {
  /**
   * A ready Koa application to serve instead of the own one. Nothing is configured on it: mount {@link routes} in it where
   * you want them. The launcher is started and drained around it.
   */
  readonly app?: Koa;
  /**
   * Adds to the own application: `(app) => app.use(router.routes())`. It gets what the API does not know, behind the checks of
   * Host and Origin, CORS and the request log; what it throws is answered as the API's errors are. Nobody is asked who they
   * are there. Not together with `app`.
   */
  readonly configureApp?: (app: Koa) => void | Promise<void>;
  /** Address to listen on. Default `127.0.0.1`. It is also a name that the Host check accepts. */
  readonly host?: string;
  /** The port. Default 8000; 0 takes any free one. */
  readonly port?: number;
  /** Serves `GET /metrics` on a port of its own, and then not on `port`. Default `null`. */
  readonly metricsPort?: number | null;

  /**
   * Web origins that may call, such as `https://app.example.com`; `["*"]` for all. Default: all where any of the callbacks
   * below is given; else the server's own origin and those on localhost. Where none of the callbacks is given the Host header is
   * checked as well, whatever is named here: see `allowedHosts`.
   */
  readonly corsAllowOrigins?: readonly string[];
  /** The methods that other origins may use. Default `["*"]`: the methods that the API has. */
  readonly corsAllowMethods?: readonly string[];
  /**
   * The headers that other origins may send. Default `["*"]`: whatever the browser asks for, `Authorization` included.
   */
  readonly corsAllowHeaders?: readonly string[];
  /** Lets browsers send cookies. Default false. Needs `corsAllowOrigins` without a wildcard. */
  readonly corsAllowCredentials?: boolean;
  /** Further names that the Host check accepts, such as the one of a Kubernetes Service or of a tunnel. Default none. */
  readonly allowedHosts?: readonly string[];
  /** Proxies in front of the server whose `X-Forwarded-For` is believed. Default 0: the address of the connection counts. */
  readonly trustedProxyCount?: number;

  /**
   * Returns the caller: JSON of at most 4 KiB, which becomes the session's `created_by`. Throws `HttpError(401, …)` for
   * strangers.
   */
  readonly getCurrentUser?: Dependency<unknown>;
  /*
   * Each of the following judges by itself: who may close a session need not be one who may view it. A request with a
   * session_token is judged as if who started the session had sent it.
   */

  /** `scope.body` is the complete start request. Denied: 403. Default: everybody may. */
  readonly canStartSession?: Permission;
  /** Denied: 403, or 404 where the caller may not view either. Default: as `canViewSession`. */
  readonly canCloseSession?: Permission;
  /**
   * Decides who may view a session, its events and lists. Denied: the 404 of a session that does not exist. Default:
   * everybody may.
   */
  readonly canViewSession?: Permission;
  /** Denied: 403, or 404 where the caller may not view either. Default: as `canViewSession`. */
  readonly canViewMetrics?: Permission;
  /** Denied: 403, or 404 where the caller may not view either. Default: as `canViewSession`. */
  readonly canSendMessage?: Permission;
  /**
   * Decides who may have a token to join the call. `scope.body` is what they asked for, `user_id` above all: whoever may
   * name one may be that user. Denied: 403, or 404 where the caller may not view either. Default: as `canViewSession`.
   */
  readonly canJoinCall?: Permission;
  /** The longest time that one of these callbacks may take, in milliseconds; then 503. Default 10,000. */
  readonly permissionTimeoutMs?: number;

  /**
   * Refuse requests to start a session, or with a message, that have fields which are not known: 422 names them. Default false:
   * such a field is ignored, and the log says so.
   */
  readonly strictBodies?: boolean;

  /** Hand out a `session_token` with each started session and accept it as `?token=`. Default true. */
  readonly sessionTokens?: boolean;
  /**
   * Signs the session tokens: 32 characters or more, the same in every process that shares sessions. Default:
   * `GREENROOM_SESSION_TOKEN_SECRET`, else a random one for the life of the process.
   */
  readonly sessionTokenSecret?: string;

  /**
   * Shared by the replicas of a fleet, 32 characters or more: with it they pass requests on to each other, and know each
   * other's session tokens where `sessionTokenSecret` is not given. To change it while the fleet runs, give several, with
   * spaces between: the first signs, all are accepted. Default: `GREENROOM_PEER_SECRET`; without, nothing is passed on.
   */
  readonly peerSecret?: string;

  /** Starts a second, in the long run. Default 50; `null`: no limit. */
  readonly startsPerSecond?: number | null;
  /** Starts at once, on top of the rate. Default 200. */
  readonly startBurst?: number;
  /** Messages a second, in the long run, over all sessions of the caller; so many join tokens too. Default 100; `null`: no limit. */
  readonly messagesPerSecond?: number | null;
  /** Messages at once, on top of the rate; the same of join tokens. Default 200. */
  readonly messageBurst?: number;
  /** Event streams open at a time. Default 256; `null`: no limit. */
  readonly maxEventStreams?: number | null;

  /** WebSockets open at a time. Default 256; `null`: no limit. 16 of them may be open to one session. */
  readonly maxMediaSockets?: number | null;
  /**
   * The longest time without a byte from the client of a WebSocket, in milliseconds; then it is cut. Clients answer the pings of
   * the edge, which come every 10 s. Default 60,000; `null`: no limit.
   */
  readonly mediaSocketIdleTimeoutMs?: number | null;

  /** A comment is sent on an event stream that often, so that proxies keep it open. Default 15,000. */
  readonly eventCommentIntervalMs?: number;
  /** Bytes that may wait for a slow reader of events before it is cut off; it can come back with Last-Event-ID. Default 262,144. */
  readonly eventBufferBytes?: number;
  readonly timeouts?: ServerTimeouts;

  /** Level of the request log. Default: the `logLevel` of the launcher. */
  readonly httpLogLevel?: LogLevel;
}

/** The longest times that a client may take, in milliseconds. Clients that are slower are cut off. */
export interface ServerTimeouts {
  /** The longest time from the connection to the last header. Default 10,000. */
  readonly headersMs?: number;
  /**
   * The longest time from the connection to the last byte of the body, of which there are 64 KiB at most. Default
   * 30,000.
   */
  readonly requestMs?: number;
  /**
   * The longest time between two requests of a connection. Default 75,000: longer than the 60 s of common load
   * balancers.
   */
  readonly keepAliveMs?: number;
  /** The time between two checks of the first two. Default 5,000. */
  readonly checkIntervalMs?: number;
}

const levels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const satisfies LogLevel[];
const port = z.int().min(0).max(65_535);
/** Timers of Node overflow beyond this and fire at once. */
const longestTimerMs = 2 ** 31 - 1;
const duration = z.int().positive().max(longestTimerMs);
const limit = z.number().positive().nullable();
const dependency = <T>() =>
  z.custom<T>((value) => typeof value === "function", { error: "expected a function" }).optional();

export const serveOptions = z.strictObject({
  app: z
    .custom<Koa>((value) => typeof value === "object" && value !== null && "callback" in value, {
      error: "expected a Koa application",
    })
    .optional(),
  configureApp: z
    .custom<(app: Koa) => void | Promise<void>>((value) => typeof value === "function", {
      error: "expected a function",
    })
    .optional(),
  host: z.string().min(1).default("127.0.0.1"),
  port: port.default(8_000),
  metricsPort: port.nullable().default(null),
  corsAllowOrigins: z
    .array(z.string().refine(isOrigin, { error: originHint }))
    .readonly()
    .optional(),
  corsAllowMethods: z
    .array(z.string().regex(/^(\*|[A-Za-z]+)$/))
    .readonly()
    .default(["*"]),
  corsAllowHeaders: z
    .array(z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/))
    .readonly()
    .default(["*"]),
  corsAllowCredentials: z.boolean().default(false),
  allowedHosts: z.array(z.string().transform(allowedHost)).readonly().default([]),
  trustedProxyCount: z.int().min(0).max(16).default(0),
  getCurrentUser: dependency<Dependency<unknown>>(),
  canStartSession: dependency<Permission>(),
  canCloseSession: dependency<Permission>(),
  canViewSession: dependency<Permission>(),
  canViewMetrics: dependency<Permission>(),
  canSendMessage: dependency<Permission>(),
  canJoinCall: dependency<Permission>(),
  permissionTimeoutMs: duration.default(10_000),
  strictBodies: z.boolean().default(false),
  sessionTokens: z.boolean().default(true),
  sessionTokenSecret: z.string().min(32).optional(),
  peerSecret: z
    .string()
    .regex(/^\s*\S{32,}(\s+\S{32,})*\s*$/, {
      error: "expected 32 characters or more, or several such, separated by spaces",
    })
    .optional(),
  startsPerSecond: limit.default(50),
  startBurst: z.int().positive().default(200),
  messagesPerSecond: limit.default(100),
  messageBurst: z.int().positive().default(200),
  maxEventStreams: z.int().positive().nullable().default(256),
  maxMediaSockets: z.int().positive().nullable().default(256),
  mediaSocketIdleTimeoutMs: duration.nullable().default(60_000),
  eventCommentIntervalMs: duration.default(15_000),
  eventBufferBytes: z.int().positive().default(262_144),
  timeouts: z
    .strictObject({
      headersMs: duration.default(10_000),
      requestMs: duration.default(30_000),
      keepAliveMs: duration.default(75_000),
      checkIntervalMs: duration.default(5_000),
    })
    .prefault({}),
  httpLogLevel: z.enum(levels).optional(),
});

export type FilledServeOptions = z.output<typeof serveOptions> &
  Prepared & {
    /** Any of the callbacks is given. */
    readonly authenticated: boolean;
  };

/** Raw options become validated and filled ones, once. Throws INVALID_OPTIONS that names the wrong one. */
export function fillServeOptions(raw: ServeOptions = {}): FilledServeOptions {
  const sessionTokenSecret = raw.sessionTokenSecret ?? variable("GREENROOM_SESSION_TOKEN_SECRET");
  const peerSecret = raw.peerSecret ?? variable("GREENROOM_PEER_SECRET");
  const result = serveOptions.safeParse({
    ...raw,
    ...(sessionTokenSecret === undefined ? {} : { sessionTokenSecret }),
    ...(peerSecret === undefined ? {} : { peerSecret }),
  });
  if (!result.success)
    throw new GreenroomError("INVALID_OPTIONS", result.error.issues.map(describe).join("; "));
  const options = result.data;
  const callbacks = [
    options.getCurrentUser,
    options.canStartSession,
    options.canCloseSession,
    options.canViewSession,
    options.canViewMetrics,
    options.canSendMessage,
    options.canJoinCall,
  ].filter((callback) => callback !== undefined);
  const prepared = prepareDependencies(callbacks);
  const authenticated = callbacks.length > 0;
  const anyOrigin = options.corsAllowOrigins?.includes("*") ?? authenticated;
  if (options.corsAllowCredentials && anyOrigin) {
    throw new GreenroomError(
      "INVALID_OPTIONS",
      "corsAllowCredentials: cookies are never sent to any origin; name the origins in corsAllowOrigins, without *",
    );
  }
  if (options.app && options.configureApp) {
    throw new GreenroomError(
      "INVALID_OPTIONS",
      "configureApp is for the own application: add to app where you make it",
    );
  }
  if (options.timeouts.headersMs > options.timeouts.requestMs) {
    throw new GreenroomError(
      "INVALID_OPTIONS",
      "timeouts.headersMs must not be longer than timeouts.requestMs",
    );
  }
  return { ...options, authenticated, ...prepared };
}

/** An empty variable counts as none: templates leave such behind. */
function variable(name: string): string | undefined {
  const text = process.env[name];
  return text === "" ? undefined : text;
}

/** The variables by which options are set from outside. */
const secretVariables: Readonly<Record<string, string>> = {
  peerSecret: "GREENROOM_PEER_SECRET",
  sessionTokenSecret: "GREENROOM_SESSION_TOKEN_SECRET",
};

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code !== "unrecognized_keys") {
    const name = issue.path.join(".");
    return `${name in secretVariables ? `${name} (${secretVariables[name]})` : name}: ${issue.message}`;
  }
  // Of what is within another option none is suggested.
  const known = issue.path.length === 0 ? Object.keys(serveOptions.shape) : [];
  return issue.keys
    .map((key) => `${[...issue.path, key].join(".")}: there is no such option${didYouMean(key, known)}`)
    .join("; ");
}
