import type { RealtimeEvent } from "../realtime-model.ts";
import type { Turn } from "../turns/turn.ts";
import type { TurnQueue } from "../turns/turn-queue.ts";

/** An event of what a participant says. */
export type ParticipantEvent = Extract<
  RealtimeEvent,
  { readonly type: "speech_started" | "speech_ended" | "transcript" }
>;

/** The listeners to the participants' side of the model's session. */
export interface ParticipantListener {
  /** Returns whether somebody is speaking. */
  readonly listening: boolean;
  take(event: ParticipantEvent): void;
  /** The model answers what is being said: it has ended, though the model did not say so. Returns whether anything was. */
  answered(): boolean;
  /** The session is lost: the end of what is being said will not be told. */
  lost(): void;
}

export interface RealtimeTurnsOptions {
  readonly queue: TurnQueue;
  /** A turn that somebody has begun to speak. */
  readonly listen: () => Turn;
  /** Returns who is speaking. */
  readonly speaker: () => string;
  /** The time without any event after which a turn under way is given up, in milliseconds. */
  readonly stalledMs: number;
  readonly now: () => number;
  readonly onChange: () => void;
  /** A participant has spoken. */
  readonly onWords: () => void;
}

/** A turn that a participant is speaking. */
interface SpokenTurn {
  readonly id: string;
  readonly turn: Turn;
  readonly participantId: string;
  readonly startedAt: number;
  text: string;
  /** The words are not understood any better than that. */
  final: boolean;
}

/** Turns whose words may still come, after their end. */
const mostLate = 32;

/**
 * Makes turns of what a speech-to-speech model hears. The model tells when somebody speaks, which silences the agent at once,
 * and when they have finished; the words may come at any time, or never.
 */
export class RealtimeTurns implements ParticipantListener {
  readonly #options: RealtimeTurnsOptions;
  #spoken: SpokenTurn | null = null;
  readonly #late = new Map<string, Turn>();
  #stalled: NodeJS.Timeout | undefined;

  constructor(options: RealtimeTurnsOptions) {
    this.#options = options;
  }

  /** Returns whether somebody is speaking. */
  get listening(): boolean {
    return this.#spoken !== null;
  }

  take(event: ParticipantEvent): void {
    switch (event.type) {
      case "speech_started":
        this.#begin(event.turnId);
        return;
      case "transcript":
        this.#words(event.turnId, event.text, event.final);
        return;
      case "speech_ended":
        // Some tell nothing of its beginning.
        if (this.#spoken?.id !== event.turnId) this.#begin(event.turnId);
        this.#end(event.speechEndedAt);
        return;
      default:
        event satisfies never;
    }
  }

  answered(): boolean {
    if (this.#spoken === null) return false;
    this.#end(null);
    return true;
  }

  lost(): void {
    this.#giveUp();
    this.#late.clear();
  }

  participantLeft(participantId: string): void {
    if (this.#spoken?.participantId === participantId) this.#giveUp();
  }

  /** Ends listening. The words so far are kept, and not answered. */
  close(): void {
    const spoken = this.#spoken;
    this.#stop();
    if (spoken === null) return;
    if (spoken.text.trim() === "") spoken.turn.drop();
    else spoken.turn.note(spoken.participantId, spoken.text.trim(), null);
  }

  #begin(id: string): void {
    // A beginning without an end: the model has begun anew.
    this.#giveUp();
    const { queue, listen, speaker, now, onChange } = this.#options;
    this.#spoken = { id, turn: listen(), participantId: speaker(), startedAt: now(), text: "", final: false };
    queue.hold(true);
    if (queue.running?.interruptible) queue.running.interrupt();
    this.#watch();
    onChange();
  }

  #words(id: string, text: string, final: boolean): void {
    const spoken = this.#spoken;
    if (spoken?.id === id) {
      spoken.text = text;
      spoken.final = final;
      spoken.turn.understands(spoken.participantId, text);
      this.#watch();
      return;
    }
    if (!final) return;
    this.#late.get(id)?.hears(text.trim());
    this.#late.delete(id);
  }

  #end(speechEndedAt: number | null): void {
    const spoken = this.#spoken;
    if (spoken === null) return;
    this.#stop();
    const { queue, now, onChange, onWords } = this.#options;
    const { id, turn, participantId, startedAt } = spoken;
    if (speechEndedAt !== null) turn.clock.mark("speechEnded", speechEndedAt);
    const durationMs = Math.max(0, (speechEndedAt ?? now()) - startedAt);
    turn.commit(participantId, spoken.text.trim(), { turnId: id, durationMs, final: spoken.final });
    if (!spoken.final) this.#expectWords(id, turn);
    onWords();
    queue.add(turn, "participant", true);
    queue.hold(false);
    onChange();
  }

  #expectWords(id: string, turn: Turn): void {
    this.#late.set(id, turn);
    const [oldest] = this.#late.keys();
    if (this.#late.size > mostLate && oldest !== undefined) this.#late.delete(oldest);
  }

  /** Gives up the speech that was under way, since nobody knows its end: its words so far are kept, and not answered. */
  #giveUp(): void {
    if (this.#spoken === null) return;
    this.close();
    this.#options.queue.hold(false);
    this.#options.onChange();
  }

  #stop(): void {
    this.#spoken = null;
    clearTimeout(this.#stalled);
  }

  #watch(): void {
    clearTimeout(this.#stalled);
    this.#stalled = setTimeout(() => this.#giveUp(), this.#options.stalledMs);
  }
}
