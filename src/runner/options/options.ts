import { z } from "zod";
import { launcherOptions } from "../../supervisor/launcher-options.ts";
import { drainDefaults } from "../runner-options.ts";
import {
  countsByName,
  duration,
  limit,
  list,
  logLevel,
  type OptionTable,
  toggle,
  wholeNumber,
  wholeNumberOrNone,
} from "./option-table.ts";

/*
 * All options that can be set from outside. Bounds of the launcher's options are the launcher's own. A value from
 * outside counts more than one that the agent's code passes to `AgentLauncher` and `Runner`, so that an operator has the
 * last word: flag, then variable, then `.env`, then code, then default.
 */
export { fleetOptions } from "./fleet-options.ts";

const { shape } = launcherOptions;
const port = wholeNumber.pipe(z.int().max(65_535));

export const commonOptions = {
  debug: { description: "Log everything, and show the stacks of errors", schema: toggle },
  noSplash: { description: "Begin without the splash", schema: toggle },
} as const satisfies OptionTable;

export const consoleOptions = {
  callType: { placeholder: "type", description: "Type of the call", default: "default", schema: z.string() },
  callId: { placeholder: "id", description: "Id of the call", default: "made up", schema: z.string() },
  join: {
    description: "A person joins the call: print the link, which holds a token, and stay until the call ends",
    schema: toggle,
  },
  noDemo: {
    description: "Print no hints beside the conversation, and no link into the call",
    schema: toggle,
  },
  wav: {
    placeholder: "file",
    description: "A recording is the caller, in place of the keyboard",
    default: "none",
    schema: z.string(),
  },
  out: {
    placeholder: "file",
    description: "Where --wav writes the conversation: WAV, the caller left, the agent right",
    default: "none",
    schema: z.string(),
  },
  speed: {
    placeholder: "number",
    description:
      "How many times faster than life --wav calls, 1 to 100. Models and voices do not hurry: where they cannot keep up, " +
      "speech has holes, which is told",
    default: "1",
    schema: wholeNumber.pipe(z.int().min(1).max(100)),
  },
  logLevel: {
    placeholder: "level",
    description: "Least level of log lines, as JSON",
    default: "warn, in words",
    schema: logLevel,
  },
} as const satisfies OptionTable;

export const serveOptions = {
  host: {
    placeholder: "address",
    description: "Address to listen on; 0.0.0.0 is every one of the machine",
    default: "127.0.0.1",
    schema: z.string(),
  },
  port: {
    placeholder: "number",
    description: "Port to listen on; 0 takes a free one",
    default: "8000",
    alsoReads: ["PORT"],
    schema: port,
  },
  metricsPort: {
    placeholder: "number",
    description: "Serve /metrics on this port, and on no other",
    default: "none",
    schema: port,
  },
  corsAllowOrigins: {
    placeholder: "origins",
    description: "Web origins that may call, separated by commas",
    default: "own and localhost; every origin once callers authenticate",
    schema: list,
  },
  allowedHosts: {
    placeholder: "names",
    description: "Further names that the server is called by, separated by commas",
    default: "none",
    schema: list,
  },
  trustedProxyCount: {
    placeholder: "number",
    description: "Proxies in front whose X-Forwarded-For is believed",
    default: "0",
    schema: wholeNumber,
  },
  strictBodies: {
    description: "Refuse starts and messages with fields that are not known, which are otherwise ignored",
    schema: toggle,
  },
  logLevel: {
    placeholder: "level",
    description: "Least level of the server's own log lines",
    default: "info",
    schema: logLevel,
  },
  httpLogLevel: {
    placeholder: "level",
    description: "Least level of request log lines",
    default: "info",
    schema: logLevel,
  },
  drainAnnounceMs: {
    placeholder: "ms",
    description: "On SIGTERM, go on accepting for this long while balancers learn of it",
    default: String(drainDefaults.drainAnnounceMs),
    schema: duration,
  },
  drainTimeoutMs: {
    placeholder: "ms",
    description: "Then let running calls finish for this long at the most",
    default: String(drainDefaults.drainTimeoutMs),
    schema: duration,
  },
} as const satisfies OptionTable;

export const launcherLimits = {
  maxConcurrentSessions: {
    placeholder: "number",
    description: "Most sessions at a time",
    default: "from CPU and memory",
    schema: wholeNumber.pipe(shape.maxConcurrentSessions.unwrap()),
  },
  maxSessionsPerCall: {
    placeholder: "number",
    description: "Most sessions at a time in one call",
    default: "none",
    schema: wholeNumberOrNone.pipe(shape.maxSessionsPerCall.unwrap()),
  },
  warmSessions: {
    placeholder: "number",
    description: "Threads kept warm",
    default: "one per core, 2 at the least",
    schema: wholeNumber.pipe(shape.warmSessions.unwrap()),
  },
  maxSessionDurationMs: {
    placeholder: "ms",
    description: "Longest time that a session may last",
    default: "none",
    schema: wholeNumberOrNone.pipe(shape.maxSessionDurationMs.unwrap()),
  },
  agentIdleTimeoutMs: limit(
    "ms",
    "Close an agent that is alone for this long; 0: never",
    shape.agentIdleTimeoutMs,
  ),
  maintenanceIntervalMs: limit(
    "ms",
    "How often idle time and duration are looked at",
    shape.maintenanceIntervalMs,
  ),
  threadWaitTimeoutMs: limit("ms", "Longest time that a start waits for a thread", shape.threadWaitTimeoutMs),
  threadStartTimeoutMs: limit("ms", "Longest time to import the agent module", shape.threadStartTimeoutMs),
  createTimeoutMs: limit("ms", "Longest time that createAgent may take", shape.createTimeoutMs),
  closeGraceMs: limit("ms", "Longest time that a closing session may take", shape.closeGraceMs),
  unresponsiveAfterMs: limit("ms", "End a thread that stands still for this long", shape.unresponsiveAfterMs),
  heapSoftLimitMb: {
    placeholder: "MiB",
    description: "Memory at which a session is asked to close",
    default: "3/4 of --heap-limit-mb, 384 at the most",
    schema: wholeNumber.pipe(shape.heapSoftLimitMb.unwrap()),
  },
  heapLimitMb: {
    placeholder: "MiB",
    description: "Memory at which a session's thread is ended",
    default: "what the memory of the process allows, 96 to 1024",
    schema: wholeNumber.pipe(shape.heapLimitMb.unwrap()),
  },
  memoryLimitMb: {
    placeholder: "MiB",
    description: "Memory of the process; near it the thread that takes most is ended",
    default: "of the control groups, or the machine",
    schema: wholeNumberOrNone.pipe(shape.memoryLimitMb.unwrap()),
  },
  ignoreLoad: {
    description: "Accept starts also under too much load, which is only told then",
    schema: toggle,
  },
  crashStormLimit: limit(
    "number",
    "Crashes of one kind in a minute that stop starts; 0: never",
    shape.crashStormLimit,
  ),
  providerConcurrency: {
    placeholder: "limits",
    description: "Most requests at a time to each provider, such as elevenlabs:20,gemini:50",
    default: "none",
    schema: countsByName.pipe(shape.providerConcurrency.unwrap()),
  },
} as const satisfies OptionTable;

export const launcherReports = {
  agentsLogLevel: {
    placeholder: "level",
    description: "Least level of the agents' log lines",
    default: "info; warn in a terminal",
    schema: logLevel,
  },
  logTranscripts: { description: "Write transcripts and tool arguments to the log", schema: toggle },
  includeTranscript: { description: "Put transcripts into what the webhook tells", schema: toggle },
  stateDir: {
    placeholder: "folder",
    description: "Keep ends of sessions there until they are told, where there is no Redis",
    default: "none",
    schema: z.string().pipe(shape.stateDir.unwrap()),
  },
} as const satisfies OptionTable;

/** The two make the launcher's `webhook`. */
export const webhookOptions = {
  webhookUrl: {
    placeholder: "url",
    description: "Tell this address of ended sessions",
    default: "none",
    schema: z.string(),
  },
  webhookSecret: { description: "Signs what the webhook tells", secret: true, schema: z.string() },
} as const satisfies OptionTable;

/** Read elsewhere, and no flags: other users of the machine can see those. What each holds, for the help. */
export const variablesOnly = {
  GREENROOM_API_KEYS: "Keys of callers, each name:key, with commas",
  GREENROOM_API_KEYS_FILE: "A file with such a key a line",
  GREENROOM_SESSION_TOKEN_SECRET: "Signs session tokens; 32 characters or more",
  GREENROOM_PEER_SECRET: "Shared by the replicas of a fleet; 32 characters or more",
  GREENROOM_SECRETS_DIR: "A folder with a file a variable, such as a mounted Secret",
  GREENROOM_REDIS_URL: "Redis that the fleet shares, redis:// or rediss://; else REDIS_URL",
  GREENROOM_WEBHOOK_SECRET: "Signs what the webhook tells; whsec_…",
} as const;
