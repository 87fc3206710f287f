import type { Turn } from "../turns/turn.ts";
import type { TurnQueue } from "../turns/turn-queue.ts";
import type { BargeIn } from "./barge-in.ts";
import type { HeardEvent } from "./heard-event.ts";

export interface SpokenTurnsOptions {
  readonly queue: TurnQueue;
  /** A turn that somebody has begun to speak. */
  readonly listen: () => Turn;
  /** Returns the text that stands for speech whose words nobody can tell; null where it counts as nothing. */
  readonly wordless: (speechMs: number) => string | null;
  readonly bargeIn: BargeIn;
  /** The recogniser tells words, and not only that somebody speaks. */
  readonly tellsWords: boolean;
  /**
   * The time without any event after which a turn under way is taken as it is: the recogniser has lost it. In
   * milliseconds.
   */
  readonly stalledMs: number;
  /** The floor is free again without an end of turn. */
  readonly releaseFloor: () => void;
  readonly onChange: () => void;
  /** A participant has spoken words, if only a "mhm". */
  readonly onWords: () => void;
}

/** The words of one participant in one turn. */
interface Words {
  readonly participantId: string;
  readonly text: string;
  /** The time of the last sound, as epoch milliseconds; null where nobody can tell. */
  readonly speechEndedAt: number | null;
  /** True for speech whose words nobody can tell; it counts as words whatever the agent is doing. */
  readonly wordless: boolean;
}

/** An agent that has less than this left to say does not go on speaking, in milliseconds. */
const aWhileMs = 500;

/**
 * Makes turns of what is heard. At the first sound of a participant the agent that speaks becomes quieter, and one that is
 * about to speak waits. Words cut it; a backchannel does not, unless the agent has asked or comes to its end: then it is an
 * answer. Without words the agent goes on as before.
 */
export class SpokenTurns {
  readonly #options: SpokenTurnsOptions;
  /** The turn that a participant is speaking. */
  #turn: Turn | null = null;
  #participantId = "";
  /** The words so far. */
  #text = "";
  /** The agent has asked while the participant spoke, or just before. */
  #asked = false;
  /** The words of others meanwhile. */
  #overheard: Words[] = [];
  /**
   * The words that were taken of a turn which the recogniser had lost, by participant. The recogniser may still tell its
   * end.
   */
  readonly #taken = new Map<string, string>();
  #falseInterruption: NodeJS.Timeout | undefined;
  #stalled: NodeJS.Timeout | undefined;

  constructor(options: SpokenTurnsOptions) {
    this.#options = options;
  }

  /** Returns whether somebody is speaking. */
  get listening(): boolean {
    return this.#turn !== null;
  }

  heard(participantId: string, event: HeardEvent): void {
    if (event.type === "started" || event.type === "taken_up") this.#begin(participantId);
    if (event.type === "started") this.#taken.delete(participantId);
    const turn = this.#turn;
    if (turn === null) return;
    this.#watch();
    this.#asked ||= this.#options.queue.running?.progress.asks === true;
    switch (event.type) {
      case "started":
      case "taken_up":
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

  /** Takes in that somebody has said this while another has the floor. */
  overheard(participantId: string, text: string): void {
    this.#overheard.push({ participantId, text, speechEndedAt: null, wordless: false });
    if (this.#turn === null) this.#takeOverheard();
  }

  /** Ends the turn of a participant who has left while speaking. The words so far are taken. */
  lost(participantId: string): void {
    if (this.#turn && this.#participantId === participantId) this.#giveUp();
    this.#taken.delete(participantId);
  }

  /** Ends listening. The words so far are kept, and not answered. */
  close(): void {
    const turn = this.#turn;
    this.#turn = null;
    this.#stopTimers();
    const text = this.#text.trim();
    for (const words of this.#overheard.splice(0))
      this.#options.listen().note(words.participantId, words.text, null);
    if (text === "") turn?.drop();
    else turn?.note(this.#participantId, text, null);
  }

  #begin(participantId: string): void {
    // A start without an end: the recogniser began anew.
    if (this.#turn !== null) this.#giveUp();
    const { queue, listen, bargeIn, tellsWords, onChange } = this.#options;
    this.#participantId = participantId;
    this.#text = "";
    this.#asked = false;
    this.#turn = listen();
    const { running } = queue;
    if (tellsWords && running?.progress.begun) running.duck(bargeIn.duckedGain);
    else running?.pause();
    queue.hold(true);
    this.#falseInterruption = setTimeout(() => this.#noWords(), bargeIn.falseInterruptionMs);
    onChange();
  }

  #words(text: string): void {
    this.#text = text;
    this.#turn?.understands(this.#participantId, text);
    const { queue, bargeIn } = this.#options;
    if (!bargeIn.interrupts(text)) return;
    clearTimeout(this.#falseInterruption);
    // Again, where the sound before them was taken for nothing.
    queue.hold(true);
    if (queue.running?.interruptible) queue.running.interrupt();
  }

  /** Lets the agent go on with its words, since there was a sound, but no words. It is paused again once there are words. */
  #noWords(): void {
    if (this.#options.bargeIn.interrupts(this.#text)) return;
    this.#options.queue.running?.resume();
    this.#options.queue.hold(false);
  }

  #ended(event: Extract<HeardEvent, { type: "ended" }>): void {
    const text =
      event.text === "" && event.speechMs !== undefined ? this.#options.wordless(event.speechMs) : event.text;
    const wordless = event.text === "" && text !== null;
    this.#text = this.#taken.get(this.#participantId) === text ? "" : (text ?? "");
    this.#taken.delete(this.#participantId);
    this.#finish(event.speechEndedAt, wordless);
  }

  #giveUp(): void {
    this.#options.releaseFloor();
    this.#taken.set(this.#participantId, this.#text);
    this.#finish(null, false);
  }

  #finish(speechEndedAt: number | null, wordless: boolean): void {
    const turn = this.#turn;
    if (turn === null) return;
    this.#turn = null;
    this.#stopTimers();
    const { queue, onChange, onWords } = this.#options;
    const text = this.#text.trim();
    if (text !== "") onWords();
    if (text === "") {
      turn.drop();
      queue.running?.resume();
    } else this.#take(turn, { participantId: this.#participantId, text, speechEndedAt, wordless });
    this.#takeOverheard();
    queue.hold(false);
    onChange();
  }

  /** Words whose speaker had the floor. */
  #take(turn: Turn, { participantId, text, speechEndedAt, wordless }: Words): void {
    const { queue, bargeIn } = this.#options;
    const { running } = queue;
    const { begun, asks, leftMs } = running?.progress ?? { begun: false, asks: false, leftMs: 0 };
    // An answer that is being thought of would not know of these words; what the agent's code has it say is said all the same.
    const thinking = !begun && running?.input?.origin !== "say";
    const interrupts = wordless || bargeIn.interrupts(text) || thinking;
    if (running && begun && !interrupts && !this.#asked && !asks && leftMs >= aWhileMs) {
      turn.note(participantId, text, running);
      running.resume();
      return;
    }
    if (speechEndedAt !== null) turn.clock.mark("speechEnded", speechEndedAt);
    for (const other of this.#overheard.splice(0)) turn.overhears(other.participantId, other.text);
    turn.commit(participantId, text);
    queue.add(turn, "participant", interrupts);
    if (interrupts) return;
    if (begun) running?.concede();
    running?.resume();
  }

  /** Takes the words of others, where nothing came of the one who had the floor. */
  #takeOverheard(): void {
    for (const words of this.#overheard.splice(0)) {
      this.#options.onWords();
      this.#take(this.#options.listen(), words);
    }
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
