import type { CallContext } from "../call/call-context.ts";
import type { ConnectionAudio } from "../edge.ts";
import type { Hearing } from "../hearing/hearing.ts";
import { FloorGate } from "./floor-gate.ts";
import type { RealtimeResponder } from "./realtime-responder.ts";
import { RealtimeTurns, type RealtimeTurnsOptions } from "./realtime-turns.ts";

export interface RealtimeHearingOptions
  extends Pick<RealtimeTurnsOptions, "queue" | "listen" | "onChange" | "onWords"> {
  readonly audio: ConnectionAudio;
  readonly responder: RealtimeResponder;
}

/** Hears by a speech-to-speech model, which answers what it hears. */
export class RealtimeHearing implements Hearing {
  readonly #gate = new FloorGate();
  readonly #turns: RealtimeTurns;
  readonly #stopListening: () => void;

  constructor(context: CallContext, options: RealtimeHearingOptions) {
    const { audio, responder, ...turns } = options;
    this.#turns = new RealtimeTurns({
      ...turns,
      speaker: () => this.#gate.holder ?? "participant",
      stalledMs: context.limits.stalledTurnMs,
      now: () => context.clock.now(),
    });
    responder.listen(this.#turns);
    responder.connection.open();
    this.#stopListening = audio.listen((participantId, frame) => {
      if (this.#gate.admits(participantId, frame.samples)) responder.connection.write(frame);
    });
  }

  get listening(): boolean {
    return this.#turns.listening;
  }

  /** Returns the participants whose sound has come. */
  get participants(): Iterable<string> {
    return this.#gate.participants;
  }

  participantLeft(participantId: string): void {
    this.#gate.participantLeft(participantId);
    this.#turns.participantLeft(participantId);
  }

  stop(): void {
    this.#turns.close();
  }

  async close(): Promise<void> {
    this.stop();
    this.#stopListening();
  }
}
