import type {
  Connection,
  ConnectionAudio,
  ConnectionEvent,
  JoinRequest,
  Participant,
} from "../../agent/edge.ts";
import type { PcmFrame } from "../../audio/pcm-frame.ts";
import { within } from "../../shared/deadline.ts";
import type { JsonObject } from "../../shared/protocol.ts";
import { CallConnection, type CallConnectionOptions } from "./call/call-connection.ts";
import type { CallConnectionEvent } from "./call/call-connection-event.ts";
import { ConnectionReport } from "./call/connection-report.ts";
import type { Coordinator } from "./coordinator/coordinator.ts";

/**
 * The time from a frame's timestamp until a listener hears it, in milliseconds: 10 until the sender's next
 * tick, 6.5 for Opus' look-ahead, about 20 for the way to the SFU and on, and about 40 for the jitter buffer
 * of a browser. The last two are estimates, since no receiver reports them.
 */
const leadMs = 77;

/**
 * The longest time that a join waits for the agent's media to be connected, in milliseconds; otherwise its
 * first words would be lost. Beyond it the join resolves all the same, and the agent hears the participants.
 */
const mediaTimeoutMs = 3_000;

interface StreamJoinOptions
  extends Pick<CallConnectionOptions, "sdk" | "factory" | "apiKey" | "attempts" | "call"> {
  readonly coordinator: Pick<Coordinator, "join" | "sendEvent">;
}

/** The agent's connection to one of Stream's calls, as the agent uses it. */
export class StreamConnection implements Connection {
  readonly audio: ConnectionAudio;
  /** Called once when the connection is over, for whatever reason. */
  onEnd: (() => void) | null = null;
  readonly #options: StreamJoinOptions;
  readonly #request: JoinRequest;
  readonly #report: ConnectionReport;
  readonly #listeners = new Set<(event: ConnectionEvent) => void>();
  readonly #mediaConnected = Promise.withResolvers<void>();
  #call: CallConnection | null = null;
  #state: "joined" | "ended" | "left" = "joined";

  private constructor(options: StreamJoinOptions, request: JoinRequest) {
    this.#options = options;
    this.#request = request;
    this.#report = new ConnectionReport(request);
    const { sampleRate } = options.factory;
    this.audio = {
      sampleRate,
      leadMs,
      send: (frame: PcmFrame) => this.#call?.send(frame),
      listen: (listener) => this.#call?.listen(listener) ?? (() => undefined),
    };
  }

  /** Joins the call. It rejects with a {@link StreamError}, or with the reason of the signal. */
  static async join(options: StreamJoinOptions, request: JoinRequest): Promise<StreamConnection> {
    const { agentUser, signal, besideAnother = false } = request;
    const connection = new StreamConnection(options, request);
    connection.#call = await CallConnection.join(
      { ...options, agentUser, besideAnother, onEvent: (event) => connection.#handle(event) },
      signal,
    );
    try {
      if (connection.#call.maySpeak) {
        await within(connection.#mediaConnected.promise, mediaTimeoutMs, "The media's connection", signal);
      }
    } catch (error) {
      if (signal.aborted) {
        await connection.leave();
        throw signal.reason;
      }
      connection.#report.warn(error, "The agent's media is not connected yet");
    }
    return connection;
  }

  get participants(): ReadonlyMap<string, Participant> {
    return this.#call?.participants ?? new Map();
  }

  /**
   * Sends an event to everybody in the call. There is one attempt, so that it does not arrive twice. It
   * rejects with a {@link StreamError}.
   */
  async sendEvent(data: JsonObject): Promise<void> {
    const { coordinator, call } = this.#options;
    const { agentUser } = this.#request;
    // The signal of the join is not used: the last events are sent while the agent leaves.
    await coordinator.sendEvent(call, { userId: agentUser.id, custom: data });
  }

  subscribe(listener: (event: ConnectionEvent) => void): () => void {
    this.#listeners.add(listener);
    // The connection ended before anybody subscribed.
    if (this.#state === "ended") queueMicrotask(() => this.#emit({ type: "ended" }));
    return () => this.#listeners.delete(listener);
  }

  takeUp(): void {
    this.#call?.takeUp();
  }

  async leave(): Promise<void> {
    this.#state = "left";
    this.#listeners.clear();
    await this.#call?.leave();
  }

  #handle(event: CallConnectionEvent): void {
    this.#report.report(event, this.#call !== null);
    if (event.type === "participant_joined" || event.type === "participant_left") this.#emit(event);
    if (event.type === "media_connected" || event.type === "ended" || event.type === "muted")
      this.#mediaConnected.resolve();
    if (event.type === "sfu_changed")
      this.#request.leaveData?.({ ...event.address } as unknown as JsonObject);
    if (event.type !== "ended") return;
    // The SFU has removed the agent already, so that nobody need leave on its behalf.
    if (event.reason === "call_ended" || event.reason === "kicked") this.#request.leaveData?.(null);
    if (this.#state === "joined") {
      this.#state = "ended";
      this.#emit({ type: "ended" });
    }
    this.onEnd?.();
  }

  #emit(event: ConnectionEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
