import type { EndReason } from "../shared/end-reasons.ts";
import type { PlainError } from "../shared/errors.ts";
import type { JsonObject, JsonValue, SessionState } from "../shared/protocol.ts";
import type { AgentEvent } from "../shared/session/agent-event.ts";
import type { SessionMetricsSnapshot } from "../shared/session/session-metric-fields.ts";
import type { ModelUsage } from "./session-summary.ts";

/** One call, as the server knows it. It ends exactly once, with exactly one reason. Times are in epoch milliseconds. */
export interface Session {
  readonly id: string;
  readonly callId: string;
  readonly callType: string;
  /** The `config` of its start; empty once its end is shown. */
  readonly config: JsonObject;
  /** The caller that started it: the value of `getCurrentUser`, or null. */
  readonly createdBy: JsonValue;
  readonly startedAt: number;
  readonly state: SessionState;
  /** The reason of its end; null while it is live. */
  readonly endReason: EndReason | null;
  readonly endedAt: number | null;
  /** The role that the agent has in its call, one of its `roles`; null: that of its own options. */
  readonly role: string | null;
  /** The number of times that another thread has taken up its call. */
  readonly resumes: number;
  /** The error that it ended of, or will end of; null where there is none. */
  readonly error: PlainError | null;
  /** The caller that asked for the close; null where nobody did. */
  readonly closeRequestedBy: string | null;
  /** The time since which the agent is alone in the call; null while somebody is there. */
  readonly aloneSince: number | null;
  readonly metrics: SessionMetrics;
  readonly events: EventLog;
  readonly timeline: SessionTimeline;
  /** The resources that its thread uses; null where nothing is known yet. */
  readonly resources: SessionResources | null;
  /** Resolves when the session has ended and its thread is gone. Never rejects. */
  readonly ended: Promise<void>;
}

/** The measurements of one session. */
export interface SessionMetrics {
  /** Returns the metrics so far, under the names of `GET /sessions/{id}/metrics`, in milliseconds. */
  snapshot(): SessionMetricsSnapshot;
  /** The consumption by provider and model, which bills are made of. */
  readonly usage: readonly ModelUsage[];
}

/** The times of the steps of a start, in epoch milliseconds; null until reached. */
export interface SessionTimeline {
  /** The session was given a thread. */
  readonly assignedAt: number | null;
  /** The thread has received it; the agent's code runs from here on. */
  readonly enteredAt: number | null;
  /** `createAgent` has returned. */
  readonly createdAt: number | null;
  /** The agent is in its call. */
  readonly joinedAt: number | null;
  /**
   * The longest time that the agent waits for somebody else once it has joined, in milliseconds; null: it does not
   * wait.
   */
  readonly waitsMs: number | null;
}

/** The resources that a session's thread uses, seen from outside it. */
export interface SessionResources {
  /** The CPU time that it has used, in milliseconds. */
  readonly cpuMs: number;
  readonly heapBytes: number;
  /** The Buffers, wasm memory and the like, and all that its own worker threads hold. */
  readonly externalBytes: number;
  /** The share of the time since the last reading that its event loop was busy, 0 to 1. */
  readonly eventLoopUtilization: number;
}

/** An event of a session, for those who watch it. Times are in epoch milliseconds. */
export type SessionEvent =
  | AgentEvent
  | { readonly type: "state"; readonly at: number; readonly state: SessionState }
  /** Its thread has ended, for one of the reasons for which a session ends. It goes on in another thread, or ends. */
  | {
      readonly type: "interrupted";
      readonly at: number;
      readonly reason: EndReason;
      readonly error: PlainError | null;
    }
  /** The agent is back in its call, in another thread. `times`: how often that has happened in this session. */
  | { readonly type: "resumed"; readonly at: number; readonly times: number }
  | { readonly type: "metrics"; readonly at: number; readonly metrics: SessionMetricsSnapshot }
  /** The last event of every session. */
  | {
      readonly type: "end";
      readonly at: number;
      readonly reason: EndReason;
      /** The error that it ended of; null where it ended of none. */
      readonly error: PlainError | null;
    };

/** An event with its number. */
export interface LoggedEvent {
  /** The number of the event, which counts from 1, without a hole as it happens. */
  readonly id: number;
  readonly event: SessionEvent;
}

/**
 * The events of one session: those that are kept, which are bounded, and what comes.
 *
 * ```ts
 * const { unsubscribe } = session.events.subscribe(0, ({ id, event }) => console.log(id, event.type));
 * ```
 */
export interface EventLog {
  /** The id of the last event; 0 before the first one. */
  readonly lastId: number;
  /** True once the `end` event was told, so that nothing will follow. */
  readonly ended: boolean;
  /**
   * Calls `listener` with each event after `afterId` that is still kept, at once, and then with each new one. `gap` is
   * true where events after `afterId` are kept no more, or `afterId` is not of this log.
   */
  subscribe(
    afterId: number,
    listener: (entry: LoggedEvent) => void,
  ): { readonly gap: boolean; unsubscribe(): void };
}
