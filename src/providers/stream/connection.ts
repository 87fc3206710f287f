import type { PcmFrame } from "../../agent/audio.ts";
import type {
  Connection,
  ConnectionAudio,
  ConnectionEvent,
  JoinRequest,
  Participant,
} from "../../agent/edge.ts";
import { within } from "../../deadline.ts";
import { ConnectionReport } from "./connection-report.ts";
import { Seat, type SeatOptions } from "./seat.ts";
import type { Place, SeatEvent } from "./seat-event.ts";

/**
 * From a frame's time to a listener's ear, in milliseconds: 10 until the sender's next beat, 6.5 that Opus looks ahead, about 20
 * on the way to the SFU and from there, and about 40 that browsers hold against jitter. The last two are estimates: nobody
 * tells a sender.
 */
const leadMs = 77;

/**
 * Longest that a join waits until what the agent says gets out, in milliseconds: else its first words would be lost. Beyond it
 * the agent is in the call all the same, and hears.
 */
const heardTimeoutMs = 3_000;

type JoinOptions = Pick<SeatOptions, "sdk" | "factory" | "coordinator" | "apiKey" | "attempts" | "call">;

/** The agent's place in one of Stream's calls. */
export class StreamConnection implements Connection {
  readonly audio: ConnectionAudio;
  /** Called once, when it is over for whatever reason. */
  onOver: (() => void) | null = null;
  readonly #report: ConnectionReport;
  readonly #listeners = new Set<(event: ConnectionEvent) => void>();
  readonly #heard = Promise.withResolvers<void>();
  #seat: Seat | null = null;
  #state: "seated" | "ended" | "left" = "seated";

  private constructor(sampleRate: number, report: ConnectionReport) {
    this.#report = report;
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
    const connection = new StreamConnection(options.factory.sampleRate, new ConnectionReport(request));
    connection.#seat = await Seat.join(
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

  /** Where the agent sits: what it takes to leave for it. It holds a token. */
  get place(): Place | null {
    return this.#seat?.place ?? null;
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

  #take(event: SeatEvent): void {
    this.#report.take(event, this.#seat !== null);
    if (event.type === "participant_joined" || event.type === "participant_left") this.#tell(event);
    if (event.type === "heard" || event.type === "ended" || event.type === "muted") this.#heard.resolve();
    if (event.type !== "ended") return;
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
