import { droppedLines } from "../../log/dropped-lines.ts";
import type { ServerLog } from "../../log/log.ts";
import { outputDescriptor } from "../../log/output-descriptor.ts";
import type { Metrics } from "../../metrics/prometheus.ts";
import type { FilledLauncherOptions } from "../launcher-options.ts";
import { loggedError } from "../log-error.ts";
import { Pool } from "./pool.ts";
import type { SharedThreadsOfSlots } from "./shared-threads.ts";
import { threadEnvironment } from "./thread-environment.ts";

/** Returns the pool as the launcher's options want it, with its events in the metrics and the log. */
export function makeAgentPool(
  options: FilledLauncherOptions,
  shared: SharedThreadsOfSlots,
  metrics: Metrics,
  log: ServerLog,
): Pool {
  return new Pool(
    {
      agentUrl: options.agent,
      capacity: options.maxConcurrentSessions,
      warmSessions: options.warmSessions,
      threadStartTimeoutMs: options.threadStartTimeoutMs,
      heapLimitMb: options.heapLimitMb,
      messagesPerSecond: options.messagesPerSecond,
      limitedProviders: Object.keys(options.providerConcurrency),
      log: {
        level: options.agentsLogLevel,
        levels: options.logLevels,
        fd: outputDescriptor(options.logFd),
        dropped: droppedLines.memory,
        format: options.agentsLogFormat,
        transcripts: options.logTranscripts,
      },
      environment: threadEnvironment(options.agentEnvironment),
      shared,
    },
    {
      killed: (reason) => metrics.threadKilled(reason),
      warm: (startMs) => metrics.slotStarted(startMs / 1_000),
      startFailed: (error, retryInMs) => {
        metrics.slotStartFailed();
        log.error(
          { event: "thread_start_failed", err: loggedError(error), retry_in_ms: Math.round(retryInMs) },
          "A session thread could not start",
        );
      },
      error: (error) =>
        log.error(
          { event: "thread_error", err: loggedError(error) },
          "A thread without a session had an error",
        ),
    },
  );
}
