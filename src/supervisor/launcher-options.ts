import { availableParallelism } from "node:os";
import { isAbsolute, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Logger } from "pino";
import { z } from "zod";
import type { AgentLauncherOptions } from "../api/launcher-options.ts";
import { makeNodeId } from "../registry/node-name.ts";
import type { RedisClient } from "../registry/redis/client.ts";
import type { SessionRegistry } from "../registry/registry.ts";
import { GreenroomError } from "../shared/errors.ts";
import type { LogLevel } from "../shared/protocol.ts";
import { didYouMean } from "../shared/similar.ts";
import { deriveThreadLimits } from "./monitor/memory/memory-limits.ts";
import type { SessionSummary } from "./session/session-summary.ts";
import { deriveCapacity, type Limits } from "./starts/capacity.ts";

/** The longest timer in milliseconds: those of Node overflow beyond it and fire at once. */
const longestTimerMs = 2 ** 31 - 1;
const levels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const satisfies LogLevel[];

const count = z.int().positive();
const duration = z.int().positive().max(longestTimerMs);

/** An object with all methods of a `SessionRegistry`. */
const customRegistry = z.custom<SessionRegistry>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    [
      "open",
      "claim",
      "end",
      "withdraw",
      "told",
      "takeIn",
      "current",
      "find",
      "peers",
      "onceByKey",
      "close",
    ].every((name) => name in value && typeof value[name as keyof typeof value] === "function"),
  { error: "expected { url } or { client } of a Redis, or an object that implements SessionRegistry" },
);

/**
 * Returns whether `@redis/client` can read a URL. Its database is a number, and a % in a name or password is written as
 * %25.
 */
function isRedisUrl(text: string): boolean {
  const url = URL.parse(text);
  if (!url || !["redis:", "rediss:"].includes(url.protocol)) return false;
  try {
    for (const part of [url.username, url.password]) decodeURIComponent(part);
  } catch {
    return false;
  }
  return /^(\/\d*)?$/.test(url.pathname);
}

export const redisRegistry = z
  .strictObject({
    url: z
      .string()
      .refine(isRedisUrl, {
        error:
          "expected a redis:// or rediss:// URL, with at most the number of a database behind the host, and % written as %25",
      })
      .optional(),
    client: z
      .custom<RedisClient>((value) => typeof value === "object" && value !== null && "duplicate" in value, {
        error: "expected a client of @redis/client",
      })
      .optional(),
    keyPrefix: z
      .string()
      .regex(/^[^\s]{1,128}$/, { error: "expected 1 to 128 characters without spaces" })
      .default("greenroom"),
    leaseMs: duration.min(3_000).default(10_000),
    commandTimeoutMs: duration.min(50).max(10_000).default(1_000),
    whileAway: z.enum(["allow", "refuse"]).default("allow"),
    contactTimeoutMs: duration.nullable().default(null),
    maxConcurrentSessions: count.nullable().default(null),
  })
  .refine(({ url, client }) => (url === undefined) !== (client === undefined), {
    error: "expected either url or client",
  });

/** The address at which peers reach this process. It has no path, since theirs is appended. */
export const peerAddress = z.string().transform((text, context) => {
  const url = URL.parse(text);
  if (url && ["0.0.0.0", "[::]"].includes(url.hostname)) {
    context.addIssue(
      `${url.hostname} is every address of a machine, and none that others reach: name one of its own`,
    );
    return z.NEVER;
  }
  if (url && ["http:", "https:"].includes(url.protocol) && url.pathname === "/" && url.username === "") {
    return url.origin;
  }
  context.addIssue("expected an http or https URL without a path, such as http://10.0.0.7:8000");
  return z.NEVER;
});

/** A `file:` URL, or a path that becomes one. */
const fileUrl = z.union([z.string().min(1), z.instanceof(URL)]).transform((module, context) => {
  const href = agentUrl(module);
  if (URL.parse(href)?.protocol === "file:") return href;
  context.addIssue("expected a path or a file: URL");
  return z.NEVER;
});

export const launcherOptions = z.strictObject({
  agent: z.union([z.string().min(1), z.instanceof(URL)]).transform(agentUrl),
  maxConcurrentSessions: count.max(10_000).optional(),
  maxSessionsPerCall: count.nullable().default(null),
  agentIdleTimeoutMs: z.int().nonnegative().max(longestTimerMs).default(60_000),
  maxSessionDurationMs: duration.nullable().default(null),
  maintenanceIntervalMs: duration.default(1_000),
  warmSessions: z.int().nonnegative().optional(),
  threadWaitTimeoutMs: duration.default(5_000),
  threadStartTimeoutMs: duration.default(15_000),
  createTimeoutMs: duration.default(10_000),
  closeGraceMs: duration.default(5_000),
  unresponsiveAfterMs: duration.min(500).default(2_000),
  heapSoftLimitMb: count.min(16).optional(),
  heapLimitMb: count.min(32).optional(),
  memoryLimitMb: count.min(128).nullable().default(null),
  messagesPerSecond: count.min(100).default(2_000),
  providerConcurrency: z.record(z.string(), count).default({}),
  ignoreLoad: z.boolean().default(false),
  crashStormLimit: z.int().nonnegative().max(100).default(10),
  onSessionEnd: z
    .custom<(summary: SessionSummary) => void | Promise<void>>((value) => typeof value === "function", {
      error: "expected a function",
    })
    .optional(),
  webhook: z
    .strictObject({
      url: z.union([z.string(), z.instanceof(URL)]).transform((url, context) => {
        const { href, protocol } = URL.parse(String(url)) ?? {};
        if (href !== undefined && (protocol === "http:" || protocol === "https:")) return href;
        context.addIssue("expected an http or https URL");
        return z.NEVER;
      }),
      secret: z.string().regex(/^(whsec_[A-Za-z0-9+/]+=*)( whsec_[A-Za-z0-9+/]+=*)*$/, {
        error: "expected whsec_ and base64, or several such, separated by spaces",
      }),
    })
    .optional(),
  includeTranscript: z.boolean().default(false),
  logLevel: z.enum(levels).default("info"),
  agentsLogLevel: z.enum(levels).default("info"),
  agentsLogFormat: z.enum(["json", "words"]).default("json"),
  logTranscripts: z.boolean().default(false),
  logFd: z.union([z.literal(1), z.literal(2)]).default(1),
  logger: z
    .custom<Logger>((value) => typeof value === "object" && value !== null && "child" in value)
    .optional(),
  registry: z.union([customRegistry, redisRegistry]).optional(),
  stateDir: z
    .string()
    .min(1)
    .transform((path) => resolve(path))
    .optional(),
  nodeId: z
    .string()
    .regex(/^[\w.:-]{1,128}$/, { error: "expected 1 to 128 letters, digits, or any of . : _ -" })
    .optional(),
  advertisedAddress: z
    .union([z.string(), z.instanceof(URL).transform(String)])
    .pipe(peerAddress)
    .nullable()
    .default(null),
  agentEnvironment: z.record(z.string(), z.string()).optional(),
  leaveModules: z.record(z.string(), fileUrl).default({}),
});

export type FilledLauncherOptions = Omit<
  z.output<typeof launcherOptions>,
  "maxConcurrentSessions" | "warmSessions" | "heapSoftLimitMb" | "heapLimitMb" | "nodeId"
> & {
  readonly nodeId: string;
  readonly maxConcurrentSessions: number;
  readonly warmSessions: number;
  readonly heapSoftLimitMb: number;
  readonly heapLimitMb: number;
};

/**
 * Makes validated and filled options of raw ones, once. `limits` is what the process may use, and `baseBytes` the
 * memory that it uses before its first thread. Throws INVALID_OPTIONS that names the wrong one.
 */
export function fillLauncherOptions(
  raw: AgentLauncherOptions,
  limits: Limits,
  baseBytes: number,
): FilledLauncherOptions {
  const result = launcherOptions.safeParse(raw);
  if (!result.success) {
    throw new GreenroomError("INVALID_OPTIONS", result.error.issues.map(describe).join("; "));
  }
  const options = result.data;
  const maxConcurrentSessions = options.maxConcurrentSessions ?? deriveCapacity(limits).sessions;
  const warmSessions = Math.min(
    options.warmSessions ?? Math.max(2, availableParallelism()),
    maxConcurrentSessions,
  );
  const { softMb: heapSoftLimitMb, hardMb: heapLimitMb } = deriveThreadLimits(
    { memoryBytes: limits.memoryBytes, capacity: maxConcurrentSessions, baseBytes },
    { softMb: options.heapSoftLimitMb, hardMb: options.heapLimitMb },
  );
  if (heapSoftLimitMb >= heapLimitMb) {
    throw new GreenroomError("INVALID_OPTIONS", "heapSoftLimitMb must be less than heapLimitMb");
  }
  if (options.stateDir !== undefined && options.registry !== undefined) {
    throw new GreenroomError(
      "INVALID_OPTIONS",
      "stateDir (--state-dir) is for a server without a registry (REDIS_URL): ends are kept in one place, and a registry keeps them",
    );
  }
  const nodeId = options.nodeId ?? makeNodeId();
  return { ...options, nodeId, maxConcurrentSessions, warmSessions, heapSoftLimitMb, heapLimitMb };
}

function describe(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownOption(key, issue.path.join("."))).join("; ");
  }
  return `${issue.path.join(".")}: ${issue.message}`;
}

function unknownOption(key: string, within: string): string {
  if (within !== "") return `${within}.${key}: there is no such option`;
  const withUnit = `${key}Ms`;
  if (withUnit in launcherOptions.shape) return `${key}: durations carry their unit here, write ${withUnit}`;
  return `${key}: there is no such option${didYouMean(key, Object.keys(launcherOptions.shape))}`;
}

/** Returns a URL as it is, and a path as a file URL. */
function agentUrl(agent: string | URL): string {
  if (agent instanceof URL) return agent.href;
  if (isAbsolute(agent) || !URL.canParse(agent)) return pathToFileURL(agent).href;
  return agent;
}
