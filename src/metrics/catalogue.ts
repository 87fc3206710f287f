import { measurementFamilies } from "./measured-numbers.ts";
import { counter, gauge, histogram, type MetricFamily } from "./metric-family.ts";

/** The buckets for a request to the server itself, in seconds. */
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const threadStartBuckets = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10] as const;
const callBuckets = [10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400] as const;
const loopLagBuckets = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5] as const;

/** The metrics of the server itself: name, type, help, labels, buckets. Names are in base units with the prefix `greenroom_`. */
export const catalogue = {
  buildInfo: gauge("greenroom_build_info", "Always 1: the version of Greenroom, and of Node.js.", [
    "version",
    "node_version",
  ]),
  serving: gauge("greenroom_serving", "1 while GET /serving says yes: warmed up, and not shutting down."),
  ready: gauge("greenroom_ready", "1 while GET /ready says yes: a session could start here."),
  sessions: gauge("greenroom_sessions", "Live sessions by state.", ["state"]),
  sessionsStarted: counter("greenroom_sessions_started_total", "Sessions that were given a thread."),
  sessionsEnded: counter("greenroom_sessions_ended_total", "Ended sessions by the reason of their end.", [
    "reason",
  ]),
  sessionStartSeconds: histogram(
    "greenroom_session_start_seconds",
    "From the request to start until a thread was assigned, createAgent had returned, or the agent was in the call.",
    requestBuckets,
    ["stage"],
  ),
  sessionDurationSeconds: histogram(
    "greenroom_session_duration_seconds",
    "How long ended sessions lived.",
    callBuckets,
  ),
  endsWaiting: gauge(
    "greenroom_session_ends_waiting",
    "Ends of sessions that the webhook has not been told yet, of all replicas.",
  ),
  oldestEndSeconds: gauge(
    "greenroom_session_ends_oldest_seconds",
    "Time since the oldest end that the webhook has not been told yet, of all replicas; 0 where there is none.",
  ),
  registryUp: gauge(
    "greenroom_registry_up",
    "1 while the registry of sessions can be reached, or its state folder be written to; always 1 where it is the process's own memory.",
  ),
  registryPeers: gauge("greenroom_registry_peers", "Other replicas that live, as of the last heartbeat."),
  registryErrors: counter(
    "greenroom_registry_command_errors_total",
    "Commands to the registry that failed or took too long.",
  ),
  startRefusals: counter(
    "greenroom_session_start_refusals_total",
    "Starts that were refused or failed, by error code.",
    ["code"],
  ),
  slots: gauge("greenroom_pool_slots", "Session threads by state.", ["state"]),
  capacity: gauge("greenroom_pool_capacity", "Sessions that may live at the same time."),
  utilisation: gauge("greenroom_pool_utilisation_ratio", "Live sessions divided by the capacity."),
  warmTarget: gauge("greenroom_pool_warm_target", "Threads the pool keeps warm for sessions to come."),
  slotStartSeconds: histogram(
    "greenroom_slot_start_seconds",
    "From the order of a thread until it was warm, the agent module imported.",
    threadStartBuckets,
  ),
  slotStartFailures: counter("greenroom_slot_start_failures_total", "Threads that did not become warm."),
  loadGuard: gauge(
    "greenroom_load_guard_active",
    "1 while the load guard is up for this cause: starts are refused, unless the load is ignored.",
    ["cause"],
  ),
  watchdogKills: counter(
    "greenroom_watchdog_kills_total",
    "Session threads that the server ended by force, by reason. A session that closed when it was asked to is none.",
    ["reason"],
  ),
  sessionResumes: counter(
    "greenroom_session_resumes_total",
    "Sessions whose call another thread takes up, by the reason for which the thread before ended, and by where: in the same replica (`in_place`); in this one, since the other is dead (`adopted`) or drains (`handed_over`).",
    ["reason", "where"],
  ),
  leavesOnBehalf: counter(
    "greenroom_farewells_total",
    "Calls that the server left for a dead thread, by outcome: done, or failed, so that others see the agent until its provider notices.",
    ["outcome"],
  ),
  threadCpuSeconds: counter(
    "greenroom_thread_cpu_seconds_total",
    "CPU time of all session threads, ended ones included.",
  ),
  threadHeapBytes: gauge("greenroom_thread_heap_bytes", "Heap used by all session threads together."),
  threadHeapMaxBytes: gauge(
    "greenroom_thread_heap_max_bytes",
    "Heap used by the session thread that uses most.",
  ),
  threadExternalBytes: gauge(
    "greenroom_thread_external_bytes",
    "Buffers, wasm memory and nested worker threads of all session threads together.",
  ),
  memoryUsedBytes: gauge(
    "greenroom_memory_used_bytes",
    "Memory in use where it is nearest to a limit, of the control group or the process, without the cache of files.",
  ),
  memoryLimitBytes: gauge(
    "greenroom_memory_limit_bytes",
    "That limit: near it the thread that holds most is ended as out_of_memory.",
  ),
  threadLoopAverage: gauge(
    "greenroom_thread_event_loop_utilisation_average_ratio",
    "Event loop utilisation of session threads: their average.",
  ),
  threadLoopMax: gauge(
    "greenroom_thread_event_loop_utilisation_max_ratio",
    "Event loop utilisation of session threads: the highest.",
  ),
  mainLoopLagSeconds: histogram(
    "greenroom_main_loop_lag_seconds",
    "How late timers of the main thread ran; a sample every 20 ms.",
    loopLagBuckets,
  ),
  httpRequestSeconds: histogram(
    "greenroom_http_request_seconds",
    "HTTP requests by route, method, status and by who sent them, until the answer was written. What another replica passed on is from a peer, and counts there as from a client.",
    requestBuckets,
    ["route", "method", "status", "from"],
  ),
  peerRequestSeconds: histogram(
    "greenroom_peer_request_seconds",
    "What other replicas were asked, until the headers of their answer: requests proxied to the owner of a session, starts forwarded for want of room, parts of lists, sessions of a call closed, sessions located that the registry does not know, replicas asked whether they are there, or whether they know that the one that asks was declared dead (`fenced`), sessions entrusted that the registry cannot be told of, replicas surveyed for the fleet's figures, and steps of sessions handed over.",
    requestBuckets,
    ["kind"],
  ),
  peerRequestFailures: counter(
    "greenroom_peer_request_failures_total",
    "What other replicas were asked and did not answer, or could not be asked, for want of a secret or an address. Of the kind `asked`, those that are gone count too.",
    ["kind"],
  ),
  apiKeys: gauge(
    "greenroom_api_keys",
    "API keys that are good, by source: fixed (options or variable) or file. Without API keys there are no series.",
    ["source"],
  ),
  apiKeyFlaws: gauge(
    "greenroom_api_key_file_flaws",
    "Lines of files of API keys that are no key, and are ignored; a file that cannot be read counts as one.",
  ),
  logLinesDropped: counter(
    "greenroom_log_lines_dropped_total",
    "Log lines that were not written: blocked by a slow reader or a full volume, failed, or a flood of one session.",
    ["reason"],
  ),
  eventStreams: gauge(
    "greenroom_event_streams_open",
    "Open streams of events, of a session or of the fleet.",
  ),
  socketsOpen: gauge(
    "greenroom_media_sockets_open",
    "Open WebSockets of clients in calls, by leg: to a session of this replica, or relayed to another replica.",
    ["leg"],
  ),
  socketsClosed: counter(
    "greenroom_media_sockets_closed_total",
    "WebSockets of clients in calls that are over, by who ended them: the client, the session or its replica, nobody (idle), or the server (cut), since the client may not be there any more.",
    ["leg", "reason"],
  ),
  socketBytes: counter(
    "greenroom_media_socket_bytes_total",
    "Bytes of such WebSockets by direction, as the server sees it: received from clients, or sent to them.",
    ["leg", "direction"],
  ),
  webhookDeliveries: counter(
    "greenroom_webhook_deliveries_total",
    "Webhook messages by outcome: delivered, failed after a day of attempts, dropped (the queue is full, or a server stops that keeps them nowhere), or gone (410).",
    ["outcome"],
  ),
  webhookEvents: counter(
    "greenroom_webhook_events_total",
    "Events of sessions for the webhook by outcome: delivered, failed after 30 s of attempts, dropped (too many waited, or the session or the server ended), or gone (410).",
    ["outcome"],
  ),
} as const satisfies Record<string, MetricFamily>;
export type Catalogue = typeof catalogue;

/** Every family of `GET /metrics`: those of the server, and those of the measurements of session threads. */
export const families: readonly MetricFamily[] = [...Object.values(catalogue), ...measurementFamilies];
