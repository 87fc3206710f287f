import type { MessagePort } from "node:worker_threads";
import type { SessionAssignment, SessionQuestion, TextMessage, ToThread } from "../../shared/protocol.ts";
import type { SessionMetricsSnapshot } from "../../shared/session/session-metric-fields.ts";
import type { AgentHandle } from "../host.ts";

type PortAnswer = Extract<ToThread, { type: "port" }>;

/** The messages from the main thread to this one. A message that comes too early waits. */
export class Inbox {
  readonly #assigned = Promise.withResolvers<SessionAssignment>();
  readonly #closing = new AbortController();
  #messages: TextMessage[] = [];
  #agent: AgentHandle | null = null;
  #onPermit: ((permit: number) => void) | null = null;
  #onQuestion: ((number: number, question: SessionQuestion) => void) | null = null;
  #onMetrics: ((metrics: SessionMetricsSnapshot) => void) | null = null;
  #onPort: ((answer: PortAnswer) => void) | null = null;

  constructor(port: MessagePort) {
    port.on("message", (message: ToThread) => this.#take(message));
  }

  get assigned(): Promise<SessionAssignment> {
    return this.#assigned.promise;
  }

  /** Fires when the session is asked to close. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Sets the listener for permits that were granted. */
  set onPermit(listener: (permit: number) => void) {
    this.#onPermit = listener;
  }

  set onQuestion(listener: (number: number, question: SessionQuestion) => void) {
    this.#onQuestion = listener;
  }

  /** Sets the listener for metrics that were asked for. */
  set onMetrics(listener: (metrics: SessionMetricsSnapshot) => void) {
    this.#onMetrics = listener;
  }

  /** Sets the listener for ports to shared threads that were asked for. */
  set onPort(listener: (answer: PortAnswer) => void) {
    this.#onPort = listener;
  }

  /** Hands the agent what has come for it, and from here on what comes. */
  connect(agent: AgentHandle): void {
    this.#agent = agent;
    for (const message of this.#messages) agent.message(message);
    this.#messages = [];
    if (this.signal.aborted) agent.close(this.signal.reason);
  }

  #take(message: ToThread): void {
    switch (message.type) {
      case "assign":
        this.#assigned.resolve(message.session);
        return;
      case "message":
        if (this.#agent === null) this.#messages.push(message.message);
        else this.#agent.message(message.message);
        return;
      case "permit":
        this.#onPermit?.(message.permit);
        return;
      case "question":
        this.#onQuestion?.(message.number, message.question);
        return;
      case "metrics":
        this.#onMetrics?.(message.metrics);
        return;
      case "port":
        this.#onPort?.(message);
        return;
      case "close": {
        const reason = closed(message);
        this.#agent?.close(reason);
        this.#closing.abort(reason);
        return;
      }
      default:
        message satisfies never;
    }
  }
}

function closed({ reason: closeReason, moved }: Extract<ToThread, { type: "close" }>): Error {
  const error = new Error(`The session is closing: ${closeReason}`);
  error.name = "AbortError";
  return Object.assign(error, { closeReason, moved });
}
