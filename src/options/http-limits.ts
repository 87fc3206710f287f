import { z } from "zod";
import type { ProviderRoute } from "../api/provider-route.ts";
import type { ServerTimeouts } from "../api/serve-options.ts";
import { type OptionTable, type RowsOf, shapeOf } from "./option.ts";
import { count, duration, logLevel, rate } from "./values.ts";

/** The options of `timeouts`. */
export const timeoutsTable = {
  headersMs: {
    doc: "The longest time from the connection to the last header, in milliseconds.",
    schema: duration.default(10_000),
  },
  requestMs: {
    doc:
      "The longest time from the connection to the last byte of the body, of which there are 64 KiB at most, in " +
      "milliseconds.",
    schema: duration.default(30_000),
  },
  keepAliveMs: {
    doc:
      "The longest time between two requests of a connection, in milliseconds. It should be longer than that of the load " +
      "balancer in front, which commonly is 60 s.",
    schema: duration.default(75_000),
  },
  checkIntervalMs: {
    doc: "The time between two checks of `headersMs` and `requestMs`, in milliseconds.",
    schema: duration.default(5_000),
  },
} as const satisfies RowsOf<ServerTimeouts>;

/** Checks a route that is given as an option. */
const providerRoute = z.custom<ProviderRoute>().check(({ value, issues }) => {
  const fault = faultOf(value);
  if (fault !== null) issues.push({ code: "custom", input: value, message: fault });
});

function faultOf(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return "expected a route";
  const { method, path, handle, admit } = value as Record<string, unknown>;
  if (method !== "get" && method !== "post" && method !== "websocket")
    return "expected method to be get, post or websocket";
  if (typeof path !== "string" || !/^(\/([\w.~-]+|\{\w+\}))+$/.test(path))
    return 'expected a path, such as "/phone/carrier/voice"';
  if (method === "websocket" && !path.includes("/{session_id}"))
    return "expected {session_id} in the path of a WebSocket";
  if (typeof (method === "websocket" ? admit : handle) !== "function")
    return `expected a function ${method === "websocket" ? "admit" : "handle"}`;
  return null;
}

/** The routes of providers, and what bounds the traffic of the server. */
export const httpLimits = {
  providerRoutes: {
    doc:
      "Routes of providers, such as the webhooks of a telephone carrier. Each checks its requests by itself, and no callback " +
      "is asked.",
    type: "readonly ProviderRoute[]",
    schema: z.array(providerRoute).readonly().default([]),
  },
  startsPerSecond: {
    doc: "Starts a second, in the long run, of each caller; `null`: no limit.",
    schema: rate.default(50),
  },
  startBurst: { doc: "Starts at once, on top of the rate.", schema: count.default(200) },
  messagesPerSecond: {
    doc: "Messages a second, in the long run, over all sessions of the caller; so many join tokens and offers too. `null`: no limit.",
    schema: rate.default(100),
  },
  messageBurst: {
    doc: "Messages at once, on top of the rate; the same of join tokens.",
    schema: count.default(200),
  },
  maxEventStreams: {
    doc: "Event streams of each caller that may be open at a time; `null`: no limit.",
    schema: count.nullable().default(256),
  },
  maxMediaSockets: {
    doc: "WebSockets of each caller that may be open at a time; `null`: no limit. 16 of them may be open to one session.",
    schema: count.nullable().default(256),
  },
  mediaSocketIdleTimeoutMs: {
    doc:
      "The longest time without a byte from the client of a WebSocket, in milliseconds; then it is cut. Clients answer the " +
      "pings of the edge, which come every 10 s. `null`: no limit.",
    schema: duration.nullable().default(60_000),
  },
  eventCommentIntervalMs: {
    doc: "The time between two comments on an event stream, which keep it open in proxies, in milliseconds.",
    schema: duration.default(15_000),
  },
  eventBufferBytes: {
    doc: "Bytes that may wait for a slow reader of events before it is cut off; it can come back with Last-Event-ID.",
    schema: count.default(262_144),
  },
  timeouts: {
    doc: "The longest times that a client may take.",
    type: "ServerTimeouts",
    schema: z.strictObject(shapeOf(timeoutsTable)).prefault({}),
    derived: "those of `ServerTimeouts`",
  },
  httpLogLevel: {
    doc: "The least level of the request log.",
    type: "LogLevel",
    schema: logLevel.optional(),
    derived: "that of logLevel",
    outside: {
      group: "Server",
      placeholder: "level",
      help: "Least level of request log lines",
      example: "info",
    },
  },
} as const satisfies OptionTable;
