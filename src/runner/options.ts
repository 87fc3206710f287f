import { z } from "zod";
import { launcherOptions } from "../supervisor/launcher-options.ts";
import {
  countsByName,
  list,
  type OptionTable,
  type OutsideOption,
  oneOf,
  toggle,
  wholeNumber,
  wholeNumberOrNone,
} from "./option-table.ts";
import { drainDefaults } from "./runner-options.ts";

/**
 * Everything that can be set from outside. Bounds of the launcher's options are the launcher's own. What is set from
 * outside counts more than what the agent's code passes to `AgentLauncher` and `Runner`, so that an operator has the
 * last word: flag, then variable, then `.env`, then code, then default.
 */
const { shape } = launcherOptions;
const level = oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent");
const port = wholeNumber.pipe(z.int().max(65_535));
/** Timers of Node overflow beyond this and fire at once. */
const duration = wholeNumber.pipe(z.int().max(2 ** 31 - 1));

export const commonOptions = {
  debug: { description: "log everything, and show the stacks of errors", schema: toggle },
  noSplash: { description: "begin without the splash", schema: toggle },
} as const satisfies OptionTable;

export const consoleOptions = {
  callType: { placeholder: "type", description: "type of the call", default: "default", schema: z.string() },
  callId: { placeholder: "id", description: "id of the call", default: "made up", schema: z.string() },
  noDemo: { description: "print no hints beside the conversation", schema: toggle },
  wav: {
    placeholder: "file",
    description: "a recording is the caller, in place of the keyboard",
    default: "none",
    schema: z.string(),
  },
  out: {
    placeholder: "file",
    description: "where --wav writes the conversation: WAV, the caller left, the agent right",
    default: "none",
    schema: z.string(),
  },
  speed: {
    placeholder: "number",
    description: "how many times faster than life --wav calls, 1 to 100",
    default: "1",
    schema: wholeNumber.pipe(z.int().min(1).max(100)),
  },
  logLevel: { placeholder: "level", description: "least level of log lines", default: "warn", schema: level },
} as const satisfies OptionTable;

export const serveOptions = {
  host: {
    placeholder: "address",
    description: "address to listen on; 0.0.0.0 is every one of the machine",
    default: "127.0.0.1",
    schema: z.string(),
  },
  port: {
    placeholder: "number",
    description: "port to listen on; 0 takes a free one",
    default: "8000",
    alsoReads: ["PORT"],
    schema: port,
  },
  metricsPort: {
    placeholder: "number",
    description: "serve /metrics on this port, and on no other",
    default: "none",
    schema: port,
  },
  corsAllowOrigins: {
    placeholder: "origins",
    description: "web origins that may call, separated by commas",
    default: "own and localhost",
    schema: list,
  },
  allowedHosts: {
    placeholder: "names",
    description: "further names that the server is called by, separated by commas",
    default: "none",
    schema: list,
  },
  trustedProxyCount: {
    placeholder: "number",
    description: "proxies in front whose X-Forwarded-For is believed",
    default: "0",
    schema: wholeNumber,
  },
  logLevel: {
    placeholder: "level",
    description: "least level of the server's own log lines",
    default: "info",
    schema: level,
  },
  httpLogLevel: {
    placeholder: "level",
    description: "least level of request log lines",
    default: "info",
    schema: level,
  },
  drainAnnounceMs: {
    placeholder: "ms",
    description: "on SIGTERM, go on accepting for this long while balancers learn of it",
    default: String(drainDefaults.drainAnnounceMs),
    schema: duration,
  },
  drainTimeoutMs: {
    placeholder: "ms",
    description: "then let running calls finish for this long at the most",
    default: String(drainDefaults.drainTimeoutMs),
    schema: duration,
  },
} as const satisfies OptionTable;

export const launcherLimits = {
  maxConcurrentSessions: {
    placeholder: "number",
    description: "most sessions at a time",
    default: "from CPU and memory",
    schema: wholeNumber.pipe(shape.maxConcurrentSessions.unwrap()),
  },
  maxSessionsPerCall: {
    placeholder: "number",
    description: "most sessions at a time in one call",
    default: "none",
    schema: wholeNumberOrNone.pipe(shape.maxSessionsPerCall.unwrap()),
  },
  warmSessions: {
    placeholder: "number",
    description: "threads kept warm",
    default: "one per core, 2 at the least",
    schema: wholeNumber.pipe(shape.warmSessions.unwrap()),
  },
  maxSessionDurationMs: {
    placeholder: "ms",
    description: "longest time that a session may last",
    default: "none",
    schema: wholeNumberOrNone.pipe(shape.maxSessionDurationMs.unwrap()),
  },
  agentIdleTimeoutMs: limit(
    "ms",
    "close an agent that is alone for this long; 0: never",
    shape.agentIdleTimeoutMs,
  ),
  maintenanceIntervalMs: limit(
    "ms",
    "how often idle time and duration are looked at",
    shape.maintenanceIntervalMs,
  ),
  threadWaitTimeoutMs: limit("ms", "longest time that a start waits for a thread", shape.threadWaitTimeoutMs),
  threadStartTimeoutMs: limit("ms", "longest time to import the agent module", shape.threadStartTimeoutMs),
  createTimeoutMs: limit("ms", "longest time that createAgent may take", shape.createTimeoutMs),
  closeGraceMs: limit("ms", "longest time that a closing session may take", shape.closeGraceMs),
  unresponsiveAfterMs: limit("ms", "end a thread that stands still for this long", shape.unresponsiveAfterMs),
  heapSoftLimitMb: {
    placeholder: "MiB",
    description: "heap at which a session is asked to close",
    default: "3/4 of --heap-limit-mb",
    schema: wholeNumber.pipe(shape.heapSoftLimitMb.unwrap()),
  },
  heapLimitMb: limit("MiB", "heap at which a thread is ended", shape.heapLimitMb),
  crashStormLimit: limit(
    "number",
    "like crashes in a minute that stop starts; 0: never",
    shape.crashStormLimit,
  ),
  providerConcurrency: {
    placeholder: "limits",
    description: "most requests at a time to each provider, such as elevenlabs:20,gemini:50",
    default: "none",
    schema: countsByName.pipe(shape.providerConcurrency.unwrap()),
  },
} as const satisfies OptionTable;

export const launcherReports = {
  agentsLogLevel: {
    placeholder: "level",
    description: "least level of the agents' log lines",
    default: "info",
    schema: level,
  },
  logTranscripts: { description: "write transcripts and tool arguments to the log", schema: toggle },
  includeTranscript: { description: "put transcripts into what the webhook tells", schema: toggle },
} as const satisfies OptionTable;

/** The two make the launcher's `webhook`. */
export const webhookOptions = {
  webhookUrl: {
    placeholder: "url",
    description: "tell this address of ended sessions",
    default: "none",
    schema: z.string(),
  },
  webhookSecret: { description: "signs what the webhook tells", secret: true, schema: z.string() },
} as const satisfies OptionTable;

function limit(
  placeholder: string,
  description: string,
  bounds: z.ZodDefault<z.ZodInt>,
): OutsideOption<number> {
  return {
    placeholder,
    description,
    default: String(bounds.def.defaultValue),
    schema: wholeNumber.pipe(bounds.unwrap()),
  };
}
