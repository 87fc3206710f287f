import { threadId } from "node:worker_threads";
import type { Agent } from "../../api/agent.ts";
import { plainError } from "../../shared/errors.ts";
import {
  type FailureStage,
  type FromThread,
  heartbeatIntervalMs,
  type InMemoryCall,
  now,
  Pulse,
  type SlotBoot,
} from "../../shared/protocol.ts";
import { type AgentEvent, mostOfEvent } from "../../shared/session/agent-event.ts";
import type { Measurement } from "../../shared/session/measurement.ts";
import { markSessionThread } from "../../shared/session-thread.ts";
import { cutText } from "../../shared/text/text.ts";
import { attachAgent, isAgent } from "../agent.ts";
import { MetricsQuery } from "../call/metrics-query.ts";
import type { AgentDefinition, AgentSession } from "../define-agent.ts";
import type { AgentHandle, AgentHost, Stage } from "../host.ts";
import { importAgent } from "./import-agent.ts";
import { Inbox } from "./inbox.ts";
import { isolateThread } from "./isolation.ts";
import { watchNestedWorkers } from "./nested-workers.ts";
import { PermitDesk } from "./permits.ts";
import { preloadAll, preloadWhileIdle, tellLoads } from "./preload.ts";
import { tellRunningTools } from "./running-tools.ts";
import { offerSharedThreads, SharedThreadDesk } from "./shared-threads.ts";
import { captureConsole } from "./thread-console.ts";
import { ThreadLog } from "./thread-log.ts";

/** The abilities of a thread that the agent's code knows nothing of. */
export interface ThreadEquipment {
  /** Makes the place of a call in memory, which is reached by the session's id. */
  stage(sessionId: string, call: InMemoryCall): Promise<Stage>;
}

/**
 * Runs a session thread through its life: imports the agent, says `warm`, waits for a session, takes the agent through
 * it, says how it went. Resolves after its last word and never rejects; the main thread then ends the thread. Errors that
 * the agent's code lets escape (uncaught, unhandled) are not caught here either: they end the thread, and the main thread
 * sees it.
 */
export async function runSlot(boot: SlotBoot, equipment: ThreadEquipment): Promise<void> {
  const { port, heartbeat, agentUrl, limitedProviders, log: logOptions } = boot;
  const pulse = new Int32Array(heartbeat);
  setInterval(() => Atomics.add(pulse, Pulse.beat, 1), heartbeatIntervalMs).unref();
  watchNestedWorkers(pulse);
  tellLoads(pulse);
  tellRunningTools(heartbeat);
  const log = new ThreadLog(logOptions);
  captureConsole(log);
  isolateThread();
  markSessionThread();
  let lastWordSaid = false;
  const post = (message: FromThread) => {
    if (lastWordSaid) return;
    lastWordSaid = message.type === "ended" || message.type === "failed";
    if (lastWordSaid) log.flush();
    port.postMessage(message);
  };
  const failed = (stage: FailureStage, error: unknown, restores = false) =>
    post({ type: "failed", stage, error: plainError(error), restores });
  // Only looks on: what becomes of the thread is decided as if nobody did.
  process.on("uncaughtExceptionMonitor", (error: unknown) =>
    port.postMessage({ type: "uncaught", error: plainError(error) } satisfies FromThread),
  );
  const inbox = new Inbox(port);
  const desk = new SharedThreadDesk(boot, post);
  inbox.onPort = (answer) => desk.answered(answer);
  offerSharedThreads(desk);
  post({ type: "started", threadId });

  const importStartedAt = now();
  let definition: AgentDefinition;
  try {
    definition = await importAgent(agentUrl);
    await preloadAll();
  } catch (error) {
    return failed("import", error);
  }
  post({ type: "warm", importMs: now() - importStartedAt });
  void preloadWhileIdle(inbox.assigned);

  const { rehearsal, inMemory, resumption, ...session } = await inbox.assigned;
  post({ type: "entered", at: now() });
  log.bind({ session_id: session.sessionId });
  const { signal } = inbox;
  const resumed = resumption && { reason: resumption.reason, times: resumption.times };
  const context: AgentSession = { ...session, resumed, signal };

  let agent: Agent;
  let handle: AgentHandle;
  try {
    const stage = inMemory && (await equipment.stage(session.sessionId, inMemory));
    agent = checkAgent(await definition.createAgent(context));
    const permits = new PermitDesk(post, limitedProviders);
    inbox.onPermit = (permit) => permits.granted(permit);
    const metricsQuery = new MetricsQuery(post);
    inbox.onMetrics = (metrics) => metricsQuery.take(metrics);
    const attached = attachAgent(agent, {
      ...hostOn(post, permits),
      metrics: () => metricsQuery.ask(),
      session,
      stage,
      resumption,
      log,
      logTranscripts: logOptions.transcripts,
    });
    handle = attached;
    inbox.onQuestion = async (number, question) =>
      post({ type: "answer", number, answer: await attached.answer(question) });
    inbox.connect(handle);
  } catch (error) {
    return signal.aborted ? post({ type: "ended" }) : failed("create", error);
  }

  let failure: { readonly error: unknown } | null = null;
  if (!signal.aborted) {
    post({ type: "created", at: now() });
    try {
      if (rehearsal) {
        const { about = null } = definition;
        post({
          type: "rehearsed",
          report: { about, services: await handle.report(), receives: handle.receives },
        });
      } else {
        handle.prepare();
        await definition.joinCall(agent, context);
      }
    } catch (error) {
      // After a close, code that was cut short by it may throw.
      if (!signal.aborted) failure = { error };
    }
  }
  if (failure !== null && handle.restoresFailed) {
    // The agent that takes up the call goes on where this one stood, so that nothing is ended here.
    failed("join", failure.error, true);
    return;
  }
  await agent.close();
  if (failure === null) post({ type: "ended" });
  else failed("join", failure.error);
}

/**
 * Returns the value where it is an agent, and throws a `TypeError` otherwise. An agent is known by the method, not by
 * `instanceof`: it holds across copies of the package.
 */
function checkAgent(value: unknown): Agent {
  if (isAgent(value)) return value;
  throw new TypeError("createAgent() must return an Agent");
}

function hostOn(
  post: (message: FromThread) => void,
  permits: PermitDesk,
): Omit<AgentHost, "session" | "stage" | "resumption" | "log" | "logTranscripts" | "metrics"> {
  return {
    joined: (waitsMs) => post({ type: "joined", at: now(), waitsMs }),
    presence: (aloneSince) => post({ type: "presence", aloneSince }),
    event: (event) => post({ type: "event", event: boundedEvent(event) }),
    measured: (measurement) => post({ type: "measured", measurement: checkedMeasurement(measurement) }),
    leaveData: (leaveData) => post({ type: "leave_data", leaveData }),
    state: (state) => post({ type: "state", state }),
    permit: (provider, signal, timeoutMs) => permits.acquire(provider, signal, timeoutMs),
  };
}

/**
 * Returns an event as the main thread takes it. A model may call a tool by a name without end, and a service may understand words
 * without end.
 */
function boundedEvent(event: AgentEvent): AgentEvent {
  const bounded = Object.entries(event).map(([field, value]: [string, unknown]) => {
    const most = ["text", "delta", "interim"].includes(field) ? mostOfEvent.words : mostOfEvent.name;
    return [field, typeof value === "string" ? cutText(value, most) : value];
  });
  return Object.fromEntries(bounded) as AgentEvent;
}

/** The longest name of a provider or a model, in characters. */
const longestName = 256;

/**
 * Returns a measurement as the main thread takes it. Providers and edges are other people's code: what they report that is
 * no number to count becomes 0, and a name is a text of bounded length.
 */
function checkedMeasurement(measurement: Measurement): Measurement {
  return tidiedFields(measurement) as unknown as Measurement;
}

function tidiedFields(fields: object): object {
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [field, tidiedValue(field, value)]),
  );
}

function tidiedValue(field: string, value: unknown): unknown {
  if (["provider", "model", "reason", "error"].includes(field)) return cutText(String(value), longestName);
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  if (typeof value === "object") return tidiedFields(value);
  return typeof value === "number" && value >= 0 && value < Number.MAX_SAFE_INTEGER ? value : 0;
}
