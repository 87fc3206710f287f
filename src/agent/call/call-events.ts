import { within } from "../../shared/deadline.ts";
import { plainError } from "../../shared/errors.ts";
import type { JsonObject } from "../../shared/protocol.ts";
import type { AgentEvent, TranscriptEvent } from "../../shared/session/agent-event.ts";
import type { SessionMetricsSnapshot } from "../../shared/session/session-metric-fields.ts";
import type { Connection } from "../edge.ts";
import { errorKind } from "../error-kind.ts";
import { isObject } from "../options/option-checks.ts";
import type { CallContext } from "./call-context.ts";

/** The events that an agent sends by itself to all who watch its call. */
export interface BroadcastOptions {
  /**
   * Sends the metrics so far from time to time, under the names of `GET /sessions/{id}/metrics`.
   * @default false
   */
  readonly broadcastMetrics: boolean;
  /**
   * The time between two such events, in milliseconds. Lower it for gauges that somebody looks at.
   * @default 5000
   */
  readonly broadcastMetricsIntervalMs: number;
  /**
   * Sends each turn's words, with who said them, as they were heard.
   * @default false, since all who watch the call would read them
   */
  readonly broadcastTranscripts: boolean;
}

export const defaultBroadcast = {
  broadcastMetrics: false,
  broadcastMetricsIntervalMs: 5_000,
  broadcastTranscripts: false,
} as const satisfies BroadcastOptions;

export interface CallEventsOptions {
  readonly broadcast: BroadcastOptions;
  /** The name of the edge, for metrics and the log. */
  readonly provider: string;
  /** Resolves with what was measured so far; null where nobody counts it. */
  readonly metrics: () => Promise<SessionMetricsSnapshot | null>;
}

/** The longest time that an event may take, in milliseconds. */
const sendTimeoutMs = 5_000;
/** Bytes of JSON where the edge does not say. */
const defaultMaxBytes = 5_120;
/** Events of ours that may wait for the one before; what comes beyond is dropped. */
const mostWaiting = 32;
/** Failures of what nobody waits for are logged so often, in milliseconds. */
const complaintIntervalMs = 60_000;

/** Events of the application, sent into the call: those that the agent's code sends, and what the agent tells by itself. */
export class CallEvents {
  readonly #context: CallContext;
  readonly #options: CallEventsOptions;
  #connection: Connection | null = null;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #last: Promise<void> = Promise.resolve();
  #waiting = 0;
  #complainedAt = Number.NEGATIVE_INFINITY;

  constructor(context: CallContext, options: CallEventsOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Begins to tell, since the agent is in the call. */
  open(connection: Connection): void {
    this.#connection = connection;
    const { broadcastMetrics, broadcastMetricsIntervalMs, broadcastTranscripts } = this.#options.broadcast;
    if (connection.sendEvent === undefined) {
      if (!broadcastMetrics && !broadcastTranscripts) return;
      this.#context.log.warn(
        { event: "call_events_unsupported", provider: this.#options.provider },
        noEvents,
      );
      return;
    }
    if (!broadcastMetrics) return;
    this.#timer = setInterval(() => {
      // Figures that come late are of no use to anybody.
      if (this.#waiting === 0) this.#tell(() => this.#metrics());
    }, broadcastMetricsIntervalMs).unref();
  }

  /** Rejects where the data is not JSON or too large, the edge takes none or fails, or it took longer than 5 s. */
  async send(data: JsonObject): Promise<void> {
    const connection = this.#connection;
    if (connection === null || this.#closed) throw new Error("The agent is not in a call");
    await this.#deliver(connection, data);
  }

  async #deliver(connection: Connection, data: JsonObject): Promise<void> {
    if (connection.sendEvent === undefined) throw new Error(noEvents);
    const bytes = sizeOf(data);
    const most = this.#maxBytes;
    if (bytes > most) throw new RangeError(`sendEvent: ${bytes} bytes of JSON, of ${most} at most`);
    await within(connection.sendEvent(data), sendTimeoutMs, "To send an event into the call");
  }

  /** Takes an event of the agent. */
  happened(event: AgentEvent): void {
    this.#connection?.happened?.(event);
    if (!this.#options.broadcast.broadcastTranscripts || this.#closed) return;
    if (this.#connection?.sendEvent === undefined) return;
    if (event.type !== "transcript" || !event.final || !event.text) return;
    this.#tell(async () => this.#transcript(event));
  }

  /** Resolves when the last events are sent. */
  close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closed = true;
    return this.#last;
  }

  get #maxBytes(): number {
    return this.#connection?.maxEventBytes ?? defaultMaxBytes;
  }

  /** Tells one after another, so that they arrive in order; whoever is slow hinders nothing but these. */
  #tell(make: () => Promise<JsonObject | null>): void {
    if (this.#waiting >= mostWaiting) {
      this.#complain(new Error("The call takes events too slowly: some are left out"));
      return;
    }
    this.#waiting += 1;
    this.#last = this.#last.then(async () => {
      try {
        const event = await make();
        if (event && this.#connection) await this.#deliver(this.#connection, event);
      } catch (error) {
        if (!this.#context.signal.aborted) this.#complain(error);
      } finally {
        this.#waiting -= 1;
      }
    });
  }

  async #metrics(): Promise<JsonObject | null> {
    const metrics = await this.#options.metrics();
    return metrics && { type: "greenroom.metrics", at: new Date().toISOString(), metrics };
  }

  /** Returns the transcript as the call is told it. Text that is too long is cut. */
  #transcript({ role, turnId, participantId, text = "", at }: TranscriptEvent): JsonObject {
    const event = {
      type: "greenroom.transcript",
      at: new Date(at).toISOString(),
      role,
      turn_id: turnId,
      participant_id: participantId,
      text,
    };
    const spare = this.#maxBytes - sizeOf({ ...event, text: "", truncated: true });
    if (sizeOf(event) <= this.#maxBytes) return event;
    return { ...event, text: cut(text, spare), truncated: true };
  }

  #complain(error: unknown): void {
    const { log, measure } = this.#context;
    const { provider } = this.#options;
    measure({ kind: "error", component: "edge", provider, error: errorKind(error) });
    if (performance.now() - this.#complainedAt < complaintIntervalMs) return;
    this.#complainedAt = performance.now();
    log.warn(
      { event: "call_event_unsent", provider, err: plainError(error) },
      "An event could not be sent into the call",
    );
  }
}

const noEvents = "The edge of this call takes no events";

/** Bytes of JSON. Throws a `TypeError` for what is no object of JSON. */
function sizeOf(data: unknown): number {
  if (!isObject(data)) throw new TypeError("sendEvent: the data must be an object");
  return Buffer.byteLength(JSON.stringify(data));
}

/** Returns the longest beginning of a text that fits as JSON, whole characters only. */
function cut(text: string, bytes: number): string {
  let kept = "";
  let left = bytes;
  for (const character of text) {
    // Without the quotes.
    left -= Buffer.byteLength(JSON.stringify(character)) - 2;
    if (left < 0) break;
    kept += character;
  }
  return kept;
}
