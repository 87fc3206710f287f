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
 * The time from a frame's time to a listener's ear, in milliseconds: 10 until the sender's next beat, 6.5 that Opus
 * looks ahead, about 20 on the way to the SFU and from there, and about 40 that browsers hold against jitter. The last
 * two are estimates: nobody tells a sender.
 */
const leadMs = 77;

/**
 * The longest time that a join waits until what the agent says gets out, in milliseconds: else its first words would be
 * lost. Beyond it the agent is in the call all the same, and hears.
 */
const heardTimeoutMs = 3_000;

interface JoinOptions
  extends Pick<CallConnectionOptions, "sdk" | "factory" | "apiKey" | "attempts" | "call"> {
  readonly coordinator: Pick<Coordinator, "join" | "sendEvent">;
}

/** The agent's place in one of Stream's calls. */
export class StreamConnection implements Connection {
  readonly audio: ConnectionAudio;
  /** Called once, when it is over for whatever reason. */
  onOver: (() => void) | null = null;
  readonly #options: JoinOptions;
  readonly #request: JoinRequest;
  readonly #report: ConnectionReport;
  readonly #listeners = new Set<(event: ConnectionEvent) => void>();
  readonly #heard = Promise.withResolvers<void>();
  #seat: CallConnection | null = null;
  #state: "seated" | "ended" | "left" = "seated";

  private constructor(options: JoinOptions, request: JoinRequest) {
    this.#options = options;
    this.#request = request;
    this.#report = new ConnectionReport(request);
    const { sampleRate } = options.factory;
    this.audio = {
      sampleRate,
      leadMs,
      send: (frame: PcmFrame) => this.#seat?.send(frame),
      listen: (listener) => this.#seat?.listen(listener) ?? (() => undefined),
    };
  }

  /** Rejects with a StreamError, or with the reason of the signal. */
  static async join(options: JoinOptions, request: JoinRequest): Promise<StreamConnection> {
    const { agentUser, signal } = request;
    const connection = new StreamConnection(options, request);
    connection.#seat = await CallConnection.join(
      { ...options, agentUser, onEvent: (event) => connection.#take(event) },
      signal,
    );
    try {
      if (connection.#seat.maySpeak) {
        await within(connection.#heard.promise, heardTimeoutMs, "To be heard in the call", signal);
      }
    } catch (error) {
      if (signal.aborted) {
        await connection.leave();
        throw signal.reason;
      }
      connection.#report.warn(error, "the agent may not be heard yet");
    }
    return connection;
  }

  get participants(): ReadonlyMap<string, Participant> {
    return this.#seat?.participants ?? new Map();
  }

  /** Sends an event once, so that it does not come twice. Rejects with a StreamError. */
  async sendEvent(data: JsonObject): Promise<void> {
    const { coordinator, call } = this.#options;
    const { agentUser } = this.#request;
    // Not with the signal of the join: the last words are told while the agent leaves.
    await coordinator.sendEvent(call, { userId: agentUser.id, custom: data });
  }

  subscribe(listener: (event: ConnectionEvent) => void): () => void {
    this.#listeners.add(listener);
    // It was over before somebody listened.
    if (this.#state === "ended") queueMicrotask(() => this.#tell({ type: "ended" }));
    return () => this.#listeners.delete(listener);
  }

  async leave(): Promise<void> {
    this.#state = "left";
    this.#listeners.clear();
    await this.#seat?.leave();
  }

  #take(event: CallConnectionEvent): void {
    this.#report.take(event, this.#seat !== null);
    if (event.type === "participant_joined" || event.type === "participant_left") this.#tell(event);
    if (event.type === "heard" || event.type === "ended" || event.type === "muted") this.#heard.resolve();
    if (event.type === "seated") this.#request.leaveData?.({ ...event.place } as unknown as JsonObject);
    if (event.type !== "ended") return;
    // Whom the call has let go of, nobody need leave for.
    if (event.reason === "call_ended" || event.reason === "kicked") this.#request.leaveData?.(null);
    if (this.#state === "seated") {
      this.#state = "ended";
      this.#tell({ type: "ended" });
    }
    this.onOver?.();
  }

  #tell(event: ConnectionEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
