/* Made by `npm run docs` from the tables of `src/options/`: change it there. */

import type { Logger } from "pino";
import type { SessionRegistry } from "../registry/registry.ts";
import type { LogFormat, LogLevel } from "../shared/protocol.ts";
import type { RedisRegistryOptions } from "./registry-options.ts";
import type { SessionSummary } from "./session-summary.ts";
import type { WebhookOptions } from "./webhook-options.ts";

/** The options of `AgentLauncher`: how agents are started, limited and ended. All times are in milliseconds. */
export interface AgentLauncherOptions {
  /**
   * URL of the module whose default export is made by `defineAgent`. In that module itself:
   * `import.meta.url`.
   */
  readonly agent: string | URL;
  /**
   * The most sessions at a time in this process. The start logs what it was derived from. Raise it where your
   * agents mostly wait; a process that ends unexpectedly ends all its sessions.
   * @default from CPU and memory
   */
  readonly maxConcurrentSessions?: number;
  /**
   * The most sessions at a time in one call, in all processes that share a registry; `null`: no limit.
   * @default null
   */
  readonly maxSessionsPerCall?: number | null;
  /**
   * Threads kept warm, with the agent imported. Raise it to the number of starts that may come at once; each
   * costs the memory of an idle thread.
   * @default one per core, 2 at the least
   */
  readonly warmSessions?: number;
  /**
   * The longest time that a session may last once it has its thread, in milliseconds; then it is closed as
   * `max_duration`. `null`: no limit.
   * @default null
   */
  readonly maxSessionDurationMs?: number | null;
  /**
   * The time for which the agent may be alone in the call before the session is closed as `idle`, in
   * milliseconds; 0 turns it off. Raise it where people join late.
   * @default 60000
   */
  readonly agentIdleTimeoutMs?: number;
  /**
   * The time between two looks at idle times and durations, in milliseconds.
   * @default 1000
   */
  readonly maintenanceIntervalMs?: number;
  /**
   * The longest time that a start waits for a thread before it is refused with 503; and before that, for a
   * place that a session on its way out still holds, before it is refused with 429; in milliseconds.
   * @default 5000
   */
  readonly threadWaitTimeoutMs?: number;
  /**
   * The longest time that a thread may take to import the agent module, in milliseconds.
   * @default 15000
   */
  readonly threadStartTimeoutMs?: number;
  /**
   * The longest time that `createAgent` may take, in milliseconds.
   * @default 10000
   */
  readonly createTimeoutMs?: number;
  /**
   * The longest time that a session that was asked to close may take before its thread is ended as `killed`,
   * in milliseconds.
   * @default 5000
   */
  readonly closeGraceMs?: number;
  /**
   * A thread whose event loop stands still for this long, in milliseconds, is ended as `unresponsive`.
   * @default 2000
   */
  readonly unresponsiveAfterMs?: number;
  /**
   * Memory in MiB at which a session is asked to close as `out_of_memory`: the V8 heap of its thread, its
   * Buffers and wasm memory, and the same of its own worker threads.
   * @default 3/4 of heapLimitMb, 384 at the most
   */
  readonly heapSoftLimitMb?: number;
  /**
   * The memory in MiB, counted as for `heapSoftLimitMb`, at which the session's thread is ended at once. By
   * default, what the memory of the process leaves for one thread while the others hold what is usual. V8's
   * own limit is twice this.
   * @default what the memory of the process allows, 96 to 1024
   */
  readonly heapLimitMb?: number;
  /**
   * Memory in MiB that the process may use. Where little of it is left, the thread that takes most is ended
   * as `out_of_memory`, before the kernel ends the process.
   * @default null: of the control groups, or the machine
   */
  readonly memoryLimitMb?: number | null;
  /**
   * Offers agents the speech recogniser of this process, which `local.STT` uses: one for all sessions,
   * English, with no key. It takes some 430 MiB once a participant is to be heard, which count in the
   * capacity. True offers it whatever else is set, false never.
   * @default where no `DEEPGRAM_API_KEY` is set for agents, and the process may use 1.5 GiB
   */
  readonly localStt?: boolean;
  /**
   * Accepts starts also while the load guard is up, since this process or its machine has too much to do: it
   * then only tells, in the log and in metrics. Otherwise running calls come first, and starts are refused
   * with 503.
   * @default false
   */
  readonly ignoreLoad?: boolean;
  /**
   * Sessions that die of one error within a minute and thereby stop new starts; 0 turns it off.
   * @default 10
   */
  readonly crashStormLimit?: number;
  /**
   * The most times within a minute that the call of a session whose thread has ended (`crashed`,
   * `unresponsive`, `out_of_memory`, `flooded`) is taken up by another thread; then the session ends. 0: it
   * ends with its thread, and no other replica goes on with it.
   * @default 3
   */
  readonly maxResumes?: number;
  /**
   * Messages that a thread may send to the main thread in a second; more ends it as `flooded`.
   * @default 2000
   */
  readonly messagesPerSecond?: number;
  /**
   * The most requests at a time to a provider, over all sessions of this process, such as
   * `{ elevenlabs: 20 }`: what your plan allows. A request beyond it waits its turn, in the order of asking,
   * where the provider would refuse it, and for as long as `limits.permitTimeoutMs` of its agent says. For
   * those who speak a request is a sentence; for those who listen a participant, for as long as they are
   * heard: until they leave, or the agent closes.
   * @default none
   */
  readonly providerConcurrency?: Readonly<Record<string, number>>;
  /**
   * The UDP port through which the sound of all calls in browsers comes, so that a firewall or Kubernetes
   * knows one port; 0: one that is free. `null`: each participant has a port of its own. Its address is that
   * of the edge.
   * @default null
   */
  readonly mediaPort?: number | null;
  /**
   * Runs once for every session that ended, whatever way. Its errors are logged; it is waited for 10 s at a
   * shutdown.
   */
  readonly onSessionEnd?: (summary: SessionSummary) => void | Promise<void>;
  /** Tells another server of every session that ended, and of `events` before, in the Standard Webhooks form. */
  readonly webhook?: WebhookOptions;
  /**
   * Puts what was said into the summary that `onSessionEnd` and the webhook get.
   * @default false
   */
  readonly includeTranscript?: boolean;
  /**
   * The least level of the server's own log lines.
   * @default "info"
   */
  readonly logLevel?: LogLevel;
  /**
   * The least level of the agents' log lines.
   * @default "info"
   */
  readonly agentsLogLevel?: LogLevel;
  /**
   * The format of the agents' log lines. `words`: short lines without stacks, and none for turns, for a
   * terminal that shows the conversation itself.
   * @default "json"
   */
  readonly agentsLogFormat?: LogFormat;
  /**
   * The form of the level in JSON lines: pino's number, such as `30`, or a word, such as `info`.
   * @default "numbers"
   */
  readonly logLevels?: "numbers" | "words";
  /**
   * Writes transcripts and tool arguments to the log. Off by default, since they are the callers' private
   * words.
   * @default false
   */
  readonly logTranscripts?: boolean;
  /**
   * The descriptor that log lines go to: 1 is standard output, 2 is standard error.
   * @default 1
   */
  readonly logFd?: 1 | 2;
  /** A pino logger to use for the server's own lines, instead of one that is made. */
  readonly logger?: Logger;
  /**
   * The folder in which a server without a registry keeps the ends of its sessions, so that each is reported
   * although the process ends unexpectedly: after the next start, and as `lost` where the session was live.
   * It is made where there is none; one process at a time may have it. It holds the messages that `webhook`
   * has not delivered yet, transcripts included. Without it, messages that are not delivered when the process
   * ends are lost. Where it cannot be used the start rejects with REGISTRY_UNAVAILABLE; with a `registry` it
   * is refused.
   */
  readonly stateDir?: string;
  /**
   * The registry that knows which process has which session, for a fleet of several. `{ url }` or
   * `{ client }` is a Redis that all of them share; an object that implements `SessionRegistry` is used as it
   * is.
   * @default the memory of this process; on the command line, the Redis of `REDIS_URL` where that is set
   */
  readonly registry?: RedisRegistryOptions | SessionRegistry;
  /**
   * The name of this process in its fleet, which no other one may have.
   * @default the host's name and a random word
   */
  readonly nodeId?: string;
  /**
   * The version of the deployment that this process belongs to. While processes of several are in the fleet,
   * as in a rolling update, starts and the calls of processes that drain go to those of the newest one that
   * have room.
   */
  readonly revision?: string;
  /**
   * The address at which the other processes of the fleet reach this one, such as `http://10.0.0.7:8000`.
   * `null`: nowhere, and its sessions can be asked for only here.
   * @default null
   */
  readonly advertisedAddress?: string | URL | null;
  /**
   * The environment of the session threads. Variables of the process that name proxies (`HTTP_PROXY`,
   * `HTTPS_PROXY`, `NO_PROXY`) are in it in any case, unless they are given here.
   * @default that of the process, without the server's own secrets (`GREENROOM_*`, `REDIS_URL`)
   */
  readonly agentEnvironment?: Readonly<Record<string, string>>;
  /**
   * The modules by which the server leaves calls for dead threads, for edges of your own: by the edge's
   * `provider`, the path or the `file:` URL of a module that exports the function `leave` (`LeaveModule`).
   * The main thread imports it when it is needed for the first time. Stream's is known to the server.
   * @default none
   */
  readonly leaveModules?: Readonly<Record<string, string | URL>>;
}
