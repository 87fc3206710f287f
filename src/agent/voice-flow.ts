import type { BargeInOptions } from "./barge-in.ts";
import { interrupts } from "./barge-in.ts";
import type { HeardEvent } from "./ears.ts";
import type { Turn } from "./turn.ts";
import type { TurnQueue } from "./turn-queue.ts";

export interface VoiceFlowOptions {
  readonly queue: TurnQueue;
  /** A turn that somebody has begun to speak. */
  readonly listen: () => Turn;
  /** What to make of speech whose words nobody can tell: the text that stands for it, or null: nothing was said. */
  readonly wordless: (speechMs: number) => string | null;
  readonly bargeIn: BargeInOptions;
  /** Without any event for this long, a turn under way is taken as it is: the recogniser has lost it. In milliseconds. */
  readonly stalledMs: number;
  /** The floor is free again without an end of turn. */
  readonly releaseFloor: () => void;
  readonly onChange: () => void;
  /** A participant has spoken words, if only a "mhm". */
  readonly onWords: () => void;
}

/**
 * Makes turns of what is heard. While a participant speaks the agent is silent: what it was saying is paused at the first
 * sound, cut once there are words, and goes on where it stopped if there are none.
 */
export class VoiceFlow {
  readonly #options: VoiceFlowOptions;
  /** The turn that a participant is speaking. */
  #turn: Turn | null = null;
  #participantId = "";
  /** The words so far. */
  #text = "";
  #falseInterruption: NodeJS.Timeout | undefined;
  #stalled: NodeJS.Timeout | undefined;

  constructor(options: VoiceFlowOptions) {
    this.#options = options;
  }

  /** Is somebody speaking? */
  get listening(): boolean {
    return this.#turn !== null;
  }

  heard(participantId: string, event: HeardEvent): void {
    if (event.type === "started") this.#begin(participantId);
    const turn = this.#turn;
    if (turn === null) return;
    this.#watch();
    switch (event.type) {
      case "started":
        return;
      case "partial":
        this.#words(event.text);
        return;
      case "eager_end":
        this.#words(event.text);
        // An answer is begun early only where all that was said before is part of the conversation already.
        if (!this.#options.queue.busy) turn.eager(participantId, event.text);
        return;
      case "resumed":
        turn.resumed();
        return;
      case "ended":
        this.#ended(event);
        return;
      default:
        event satisfies never;
    }
  }

  /** The participant who was speaking is gone. What they said so far is taken. */
  lost(participantId: string): void {
    if (this.#turn && this.#participantId === participantId) this.#giveUp();
  }

  close(): void {
    this.#turn?.drop();
    this.#turn = null;
    this.#stopTimers();
  }

  #begin(participantId: string): void {
    // A start without an end: the recogniser began anew.
    if (this.#turn !== null) this.#giveUp();
    const { queue, listen, bargeIn, onChange } = this.#options;
    this.#participantId = participantId;
    this.#text = "";
    this.#turn = listen();
    queue.running?.pause();
    queue.hold(true);
    this.#falseInterruption = setTimeout(() => this.#noWords(), bargeIn.falseInterruptionMs);
    onChange();
  }

  #words(text: string): void {
    this.#text = text;
    this.#turn?.understands(this.#participantId, text);
    const { queue, bargeIn } = this.#options;
    if (!interrupts(text, bargeIn)) return;
    clearTimeout(this.#falseInterruption);
    // Again, where the sound before them was taken for nothing.
    queue.hold(true);
    if (queue.running?.interruptible) queue.running.interrupt();
  }

  /** A sound, but no words: what the agent was saying goes on. It is paused again once there are words. */
  #noWords(): void {
    if (interrupts(this.#text, this.#options.bargeIn)) return;
    this.#options.queue.running?.resume();
    this.#options.queue.hold(false);
  }

  #ended(event: Extract<HeardEvent, { type: "ended" }>): void {
    const text =
      event.text === "" && event.speechMs !== undefined ? this.#options.wordless(event.speechMs) : event.text;
    const wordless = event.text === "" && text !== null;
    this.#text = text ?? "";
    this.#finish(event.speechEndedAt, wordless);
  }

  #giveUp(): void {
    this.#options.releaseFloor();
    this.#finish(null, false);
  }

  /** @param surely It counts as words whatever the agent is doing. */
  #finish(speechEndedAt: number | null, surely: boolean): void {
    const turn = this.#turn;
    if (turn === null) return;
    this.#turn = null;
    this.#stopTimers();
    const { queue, bargeIn, onChange, onWords } = this.#options;
    const text = this.#text.trim();
    if (text !== "") onWords();
    const speaking = queue.running?.interruptible === true;
    if (text === "" || (speaking && !surely && !interrupts(text, bargeIn))) {
      turn.drop();
      queue.running?.resume();
    } else {
      if (speechEndedAt !== null) turn.clock.mark("speechEnded", speechEndedAt);
      turn.commit(this.#participantId, text);
      queue.add(turn, "participant", true);
    }
    queue.hold(false);
    onChange();
  }

  #watch(): void {
    clearTimeout(this.#stalled);
    this.#stalled = setTimeout(() => this.#giveUp(), this.#options.stalledMs);
  }

  #stopTimers(): void {
    clearTimeout(this.#falseInterruption);
    clearTimeout(this.#stalled);
  }
}
