import type { Logger } from "pino";
import type { RedisClient } from "../registry/redis/client.ts";
import type { SessionRegistry } from "../registry/registry.ts";
import type { InMemoryCall, JsonObject, JsonValue, LogFormat, LogLevel } from "../shared/protocol.ts";
import type { SessionSummary } from "../supervisor/session/session-summary.ts";

/** The options for how agents are started, limited and ended. All times in milliseconds. */
export interface AgentLauncherOptions {
  /** URL of the module whose default export is made by `defineAgent`. In that module itself: `import.meta.url`. */
  readonly agent: string | URL;
  /**
   * The most sessions at a time in this process. Default: derived from the CPU and memory that the process may use, and
   * logged at the start. Raise it where your agents mostly wait; a process that dies takes all its sessions with it.
   */
  readonly maxConcurrentSessions?: number;
  /** The most sessions at a time in one call, in all processes that share a registry. Default `null`: no limit. */
  readonly maxSessionsPerCall?: number | null;
  /**
   * The time for which the agent may be alone in the call before the session is closed as `idle`, in milliseconds.
   * Default 60,000; 0 turns it off. Raise it where people join late.
   */
  readonly agentIdleTimeoutMs?: number;
  /**
   * The longest time from a session's start to its end, in milliseconds; then it is closed as `max_duration`. Default
   * `null`: no limit.
   */
  readonly maxSessionDurationMs?: number | null;
  /** The time between two looks at idle times and durations. Default 1,000. */
  readonly maintenanceIntervalMs?: number;
  /**
   * Threads kept warm, with the agent imported. Default: one per core, two at the least. Raise it to the number of starts
   * that may come at once; each costs the memory of an idle thread.
   */
  readonly warmSessions?: number;
  /**
   * The longest time that a start waits for a thread before it is refused with 503; and before that, for a place that a
   * session on its way out still holds, before it is refused with 429; in milliseconds. Default 5,000.
   */
  readonly threadWaitTimeoutMs?: number;
  /** The longest time that a thread may take to import the agent module, in milliseconds. Default 15,000. */
  readonly threadStartTimeoutMs?: number;
  /** The longest time that `createAgent` may take, in milliseconds. Default 10,000. */
  readonly createTimeoutMs?: number;
  /**
   * The longest time that a session that was asked to close may take before its thread is ended as `killed`. Default 5,000.
   */
  readonly closeGraceMs?: number;
  /** A thread whose event loop stands still for this long is ended as `unresponsive`. Default 2,000. */
  readonly unresponsiveAfterMs?: number;
  /**
   * Memory in MiB at which a session is asked to close as `out_of_memory`: the V8 heap of its thread, its Buffers and wasm memory, and
   * the same of its own worker threads. Default: three quarters of `heapLimitMb`, 384 at the most.
   */
  readonly heapSoftLimitMb?: number;
  /**
   * The memory in MiB, counted in the same way, at which the session's thread is ended at once. Default: what the
   * memory of the process leaves for one thread while the others hold what is usual, 96 to 1,024. V8's own limit is
   * twice this.
   */
  readonly heapLimitMb?: number;
  /**
   * Memory in MiB that the process may use. Where little of it is left, the thread that takes most is ended as `out_of_memory`, before
   * the kernel ends the process. Default `null`: what the control groups of the process allow, or else what the machine has.
   */
  readonly memoryLimitMb?: number | null;
  /** Messages that a thread may send to the main thread in a second; more ends it as `flooded`. Default 2,000. */
  readonly messagesPerSecond?: number;
  /**
   * The most requests at a time to a provider, over all sessions of this process, such as `{ elevenlabs: 20 }`: what
   * your plan allows. A request beyond it waits its turn, in the order of asking, where the provider would refuse it,
   * and for as long as `limits.permitTimeoutMs` of its agent says. For those who speak a request is a sentence; for
   * those who listen a participant, for as long as they are heard: until they leave, or the agent closes. Default: no
   * limits.
   */
  readonly providerConcurrency?: Readonly<Record<string, number>>;
  /**
   * Accepts starts also while the load guard is up, since this process or its machine has too much to do: it then only
   * tells, in the log and in metrics. Default false: running calls come first, and starts are refused with 503.
   */
  readonly ignoreLoad?: boolean;
  /** Sessions that die of one error within a minute and thereby stop new starts. Default 10; 0 turns it off. */
  readonly crashStormLimit?: number;
  /** Runs once for every session that ended, whatever way. Its errors are logged; it is waited for 10 s at a shutdown. */
  readonly onSessionEnd?: (summary: SessionSummary) => void | Promise<void>;
  /** Tells another server of every session that ended, in the Standard Webhooks form. */
  readonly webhook?: WebhookOptions;
  /** Puts what was said into the summary that `onSessionEnd` and the webhook get. Default false. */
  readonly includeTranscript?: boolean;
  /** Level of the server's own log lines. Default `info`. */
  readonly logLevel?: LogLevel;
  /** Level of the agents' log lines. Default `info`. */
  readonly agentsLogLevel?: LogLevel;
  /**
   * `words`: short lines without stacks, and none for turns, for a terminal that shows the conversation itself. Default
   * `json`.
   */
  readonly agentsLogFormat?: LogFormat;
  /** Write transcripts and tool arguments to the log. Default false: they are the callers' private words. */
  readonly logTranscripts?: boolean;
  /** The descriptor that log lines go to: 1 is standard output (default), 2 is standard error. */
  readonly logFd?: 1 | 2;
  /** A pino logger to use for the server's own lines, instead of one that is made. */
  readonly logger?: Logger;
  /**
   * The registry that knows which process has which session, for a fleet of several. `{ url }` or `{ client }` is a Redis
   * that all of them share; an object that implements `SessionRegistry` is used as it is. Default: the memory of this
   * process; on the command line, the Redis of `REDIS_URL` where that is set.
   */
  readonly registry?: RedisRegistryOptions | SessionRegistry;
  /**
   * The folder in which a server without a registry keeps the ends of its sessions, so that each is told although the process dies: after
   * the next start, and as `lost` where the session was live. Made where there is none; one process at a time may have it. It holds what
   * `webhook` has not told yet, transcripts included. Default: none, and ends that are not told when the process dies are lost. Where it
   * cannot be used the start rejects with REGISTRY_UNAVAILABLE; with a `registry` it is refused.
   */
  readonly stateDir?: string;
  /** The name of this process in its fleet, which no other one may have. Default: the host's name and a random word. */
  readonly nodeId?: string;
  /**
   * The address at which the other processes of the fleet reach this one, such as `http://10.0.0.7:8000`. Default `null`:
   * nowhere, and its sessions can be asked for only here.
   */
  readonly advertisedAddress?: string | URL | null;
  /**
   * The environment of the session threads. Default: that of the process, without the server's own secrets
   * (`GREENROOM_*`, `REDIS_URL`). Those of the process that name proxies (`HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`) are in it
   * in any case, unless they are given here.
   */
  readonly agentEnvironment?: Readonly<Record<string, string>>;
  /**
   * The modules by which the server leaves calls for threads that died in them, for edges of your own: by the edge's
   * `provider`, the path or the `file:` URL of a module that exports the function `leave` (`LeaveModule`). The
   * main thread imports it when it is needed for the first time. Default: none; Stream's is known to the server.
   */
  readonly leaveModules?: Readonly<Record<string, string | URL>>;
}

/** A Redis (6 or later) that the processes of a fleet share. All times in milliseconds. */
export interface RedisRegistryOptions {
  /** `redis://`, or `rediss://` for TLS; user, password and database number as usual. Either this or `client`. */
  readonly url?: string;
  /**
   * A client that `createClient` of `@redis/client` made, connected or not, with TLS certificates and all that a URL cannot
   * say. The registry makes a connection of its own like it.
   */
  readonly client?: RedisClient;
  /** Begins every key. Default `greenroom`. Put in braces as a hash tag, unless it holds one. */
  readonly keyPrefix?: string;
  /** A process that has not been heard of for so long is held to be dead, and its sessions to be lost. Default 10,000. */
  readonly leaseMs?: number;
  /** The longest time that a start, or a look at another's session, waits for Redis, in milliseconds. Default 1,000. */
  readonly commandTimeoutMs?: number;
  /**
   * The policy for starts while Redis does not answer. `allow` (default): limits hold for each process by itself, and no
   * call is missed. `refuse`: 503, and no limit is ever exceeded.
   */
  readonly whileAway?: "allow" | "refuse";
  /**
   * The longest time that the start waits for Redis to answer for the first time; then it fails with REGISTRY_UNAVAILABLE.
   * Nothing is served before, so that a wrong address never takes the place of a fleet that works. Default `null`: the
   * start does not wait, and serves alone until Redis answers.
   */
  readonly contactTimeoutMs?: number | null;
  /** The most sessions at a time in all processes together. Default `null`: the sum of what each can take. */
  readonly maxConcurrentSessions?: number | null;
}

export interface WebhookOptions {
  readonly url: string | URL;
  /** `whsec_` and the base64 of 24 to 64 bytes. Several, separated by spaces, sign with each, for rotation. */
  readonly secret: string;
}

export interface StartRequest {
  readonly callId: string;
  /** The type of the call. Default `default`. */
  readonly callType?: string;
  /** Handed to `createAgent` and `joinCall` as it is. Default `{}`. */
  readonly config?: JsonObject;
  /** The user who starts the session, which is kept with it. Default null. */
  readonly createdBy?: JsonValue;
  /**
   * The call takes place in memory, whatever edge the agent has: `dial(session.id)` of `greenroom/testing` reaches it, to
   * play sound into it and to hear what the agent says. An agent without ears or a voice gets the offline stand-ins.
   */
  readonly inMemory?: InMemoryCall;
}
