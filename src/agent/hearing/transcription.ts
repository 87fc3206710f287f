import type { CallContext } from "../call/call-context.ts";
import type { HeardEvent, TranscriptionOptions } from "./heard-event.ts";
import { ParticipantTranscriber } from "./participant-transcriber.ts";

/** Participants who are heard at the same time; further ones are not. */
const mostStreams = 8;

/**
 * Listens to the participants, each by a stream of their own. The first who speaks holds the floor until their turn is
 * over; what others have said by then is overheard.
 */
export class Transcription {
  readonly #context: CallContext;
  readonly #options: TranscriptionOptions;
  readonly #streams = new Map<string, ParticipantTranscriber>();
  readonly #stopListening: () => void;
  /** Participants beyond those who are heard at the same time. */
  readonly #notListenedTo = new Set<string>();
  #floor: string | null = null;

  constructor(context: CallContext, options: TranscriptionOptions) {
    this.#context = context;
    this.#options = options;
    this.#stopListening = options.audio.listen((participantId, frame) => {
      let transcriber = this.#streams.get(participantId);
      if (transcriber === undefined) {
        if (this.#streams.size >= mostStreams) {
          this.#tooMany(participantId);
          return;
        }
        transcriber = new ParticipantTranscriber(context, participantId, {
          ...options,
          heard: (event) => this.#heard(participantId, event),
        });
        this.#streams.set(participantId, transcriber);
      }
      transcriber.write(frame);
    });
  }

  /** Returns the participants who are listened to. */
  get participants(): Iterable<string> {
    return this.#streams.keys();
  }

  /** A participant has left, or is not to be heard any more. */
  async forget(participantId: string): Promise<void> {
    const transcriber = this.#streams.get(participantId);
    this.#streams.delete(participantId);
    this.#notListenedTo.delete(participantId);
    if (this.#floor === participantId) this.#floor = null;
    await transcriber?.close();
  }

  /** Releases the floor: the participant who has it is not waited for any longer. */
  release(): void {
    this.#floor = null;
  }

  async close(): Promise<void> {
    this.#stopListening();
    await Promise.all([...this.#streams.keys()].map((participantId) => this.forget(participantId)));
  }

  /**
   * Reports, once for each participant, that there are too many to listen to: otherwise nobody would learn why they are not
   * answered.
   */
  #tooMany(participantId: string): void {
    if (this.#notListenedTo.has(participantId)) return;
    this.#notListenedTo.add(participantId);
    this.#context.log.warn(
      { event: "participant_not_listened_to", participant_id: participantId, participants: mostStreams },
      "A participant is not listened to until another one leaves: too many speak in this call",
    );
  }

  #heard(participantId: string, event: HeardEvent): void {
    const { heard, overheard } = this.#options;
    const words = "text" in event ? event.text.trim() : "";
    if (this.#floor === null && (event.type === "started" || words !== "")) {
      this.#floor = participantId;
      // A participant who went on speaking while another one had the floor is heard from here on, even where
      // only the end of the sentence is left.
      if (event.type !== "started") heard(participantId, { type: "taken_up" });
    }
    if (this.#floor !== participantId) {
      if (event.type === "ended" && words !== "") overheard(participantId, words);
      return;
    }
    if (event.type === "ended") this.#floor = null;
    heard(participantId, event);
    // A start without an end before it gives up the turn before, and the floor with it.
    if (event.type === "started") this.#floor = participantId;
  }
}
